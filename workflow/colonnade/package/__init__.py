# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""The package: what a pruned network is shipped as, and its conversion from and to PyTorch."""
