# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Tuning: which schedule runs each convolution, found by running candidates on the target.

The method starts from AITemplate's, where each distinct convolution is profiled over all candidates
and the fastest wins. Here a cost model ranks them (`cost_model`), only the promising ones run
(`search`), and a cache keeps what was run (`cache`).

Searches are named here, for the workflow's rules; what runs them and judges what they found is
imported from its module: `search`, `choice` and `audit`.
"""
