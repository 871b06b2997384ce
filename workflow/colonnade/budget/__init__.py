# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Automatic tuning of pruning parameters: a pattern for every layer, from sensitivity and cost.

What measures, solves and compares is imported from its module, for its heavy libraries:
`layer_sensitivity`, `plan` and `front`.
"""
