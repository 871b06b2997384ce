# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Networks from elsewhere: ONNX files and programs of torch.export, as a list of nodes.

`reading` runs the operations of a source one after the other, by a table of what each is in a network;
`recorder` writes nodes and weights down, `simplify` puts together what exporters write apart.
"""
