# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Programs that signals end, whoever runs the tests."""

# Begins a command. Tests that run beside each other ignore SIGINT, those under nohup SIGHUP, and what
# they start would inherit that.
HEEDING = ("env", "--default-signal")
