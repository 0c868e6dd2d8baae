# SPDX-License-Identifier: Apache-2.0
"""Comparisons: with other tools (``python -m benchmarks.peers``) and with an older build (``.parent``).

Each family of functions has a file with its cases; each case is one job, done by us and by its peers.
"""
