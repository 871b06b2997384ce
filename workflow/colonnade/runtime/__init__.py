# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Packages run in this process, by the library that `kernels/api/colonnade.h` describes."""
