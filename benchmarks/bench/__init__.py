# SPDX-License-Identifier: Apache-2.0
"""One pytest-benchmark file per kernel: ``nox -s bench``."""
