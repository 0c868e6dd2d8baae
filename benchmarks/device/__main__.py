# SPDX-License-Identifier: Apache-2.0
"""``python -m benchmarks.device``: see `run`."""

from .run import main

main()
