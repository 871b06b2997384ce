"""A network on its target: top-1, throughput, and where its time goes."""
