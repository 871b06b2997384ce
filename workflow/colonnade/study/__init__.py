# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""The accuracy study: patterns and recipes compared at equal budget, over several seeds.

What judges networks and sums them up is imported from its module, for its heavy libraries:
`evaluation` and `results`.
"""
