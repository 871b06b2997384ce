# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""What every room uses: errors, files, progress. Imports nothing of the library."""
