# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Whole networks on this machine, against the engines that people use: docs/measuring.md."""
