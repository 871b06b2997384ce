# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""What our kernels are compared with."""

# XNNPACK's own NHWC operators: the implementation of a whole network, and the algorithm of a
# single convolution.
REFERENCE = "xnnpack_nhwc_dense"
