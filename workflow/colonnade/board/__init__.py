# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Programs on another machine, by OpenSSH's client: what it is, what they read, print and write.

A shell script runs there (`there.sh`); nothing is installed. Files are sent by their SHA-256, once, and
what a job wrote comes back whole or not at all. A job goes on where the connection is lost, and whoever
asks for the same one again gets what it found.
"""
