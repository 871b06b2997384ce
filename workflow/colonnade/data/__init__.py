# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""The data sets: configuration, splits, transforms and batches.

What needs torch is imported from its module: `dataset` (splits and batches), `opening`, and those of
the single data sets.
"""
