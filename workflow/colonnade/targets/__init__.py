"""Where programs run: under QEMU with the timing model, or on this machine."""
