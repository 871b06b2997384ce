# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""The networks: their architectures as data, the modules, their execution graphs, and weights.

What needs torch is imported from its module: `graph`, `resnet` and `weights`.
"""
