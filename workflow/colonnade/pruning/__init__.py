# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Pruning: patterns, the mask, scores, channel orders, and masks that follow a schedule.

Masks are imported from `mask`; so is what needs torch, from `layers` (masks of a model), `weights`,
`schedule`, `permutation` and `serial`.
"""
