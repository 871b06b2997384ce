# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Training: the dense network, its pruned descendants, and the checkpoints they are kept in.

What needs torch is imported from its module: `stages`, `checkpoint`, `judge`, `hardware` and `loop`.
"""
