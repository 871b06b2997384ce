# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""The report: one HTML page with everything inline, so that it opens offline.

Each section is a file of its own, made by `sections` from the tables that it shows and nothing else;
`page` joins those that a target of the workflow asks for. Which there are, `contents` says.
"""
