# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Where programs run: under QEMU with the timing model, or on this machine."""
