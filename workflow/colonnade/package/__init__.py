"""The package: what a pruned network is shipped as, and its conversion from and to PyTorch."""
