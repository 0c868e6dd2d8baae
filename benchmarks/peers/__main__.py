# SPDX-License-Identifier: Apache-2.0
"""``python -m benchmarks.peers``: see `run`."""

from .run import main

main()
