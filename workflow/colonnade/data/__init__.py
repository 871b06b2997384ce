"""The data sets: configuration, splits, transforms and batches.

What needs torch is imported from its module: `dataset` (splits and batches), `opening`, and those of
the single data sets.
"""
