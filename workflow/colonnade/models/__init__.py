# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""The networks: lists of nodes as data, and what follows from them.

`networks` has the networks by name, `layers` the layer types, `graph` and `builder` lists of nodes,
`fusion` the passes over them, `architecture` the shapes of convolutions. What needs torch is imported
from its module: `module` (the network as a torch module) and `weights`.
"""
