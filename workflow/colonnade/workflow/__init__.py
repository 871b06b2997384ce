# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""What the Snakefile needs: the stages that a configuration asks for, and the settings of jobs."""
