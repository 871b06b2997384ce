"""What our kernels are compared with."""

# XNNPACK's own NHWC operators: the implementation of a whole network, and the algorithm of a
# single convolution.
REFERENCE = "xnnpack_nhwc_dense"
