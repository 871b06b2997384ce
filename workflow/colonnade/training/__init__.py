"""Training: the dense network, its pruned descendants, and the checkpoints they are kept in.

What needs torch is imported from its module: `stages`, `checkpoint`, `judge`, `hardware` and `loop`.
"""
