# SPDX-License-Identifier: Apache-2.0
"""Benchmarks: ``bench`` times each kernel, ``peers`` compares with other tools and with older builds."""
