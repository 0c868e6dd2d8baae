# SPDX-License-Identifier: Apache-2.0
"""Comparison with other tools on a GPU: ``python -m benchmarks.device``."""
