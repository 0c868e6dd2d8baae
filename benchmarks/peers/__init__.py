# SPDX-License-Identifier: Apache-2.0
"""Comparisons: with other tools (``python -m benchmarks.peers``) and with an older build (``.parent``)."""
