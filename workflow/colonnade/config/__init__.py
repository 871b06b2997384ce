# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""The configuration: its sections as models, where values come from, and what is said of wrong ones."""
