"""Column-wise N:M pruning for RISC-V vector CPUs: the library the workflow's rules call."""
