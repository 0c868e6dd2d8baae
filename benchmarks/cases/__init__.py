# SPDX-License-Identifier: Apache-2.0
"""The jobs that are timed: one list per family, shared by ``nox -s bench``, ``compare`` and ``regress``."""
