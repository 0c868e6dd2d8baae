# SPDX-License-Identifier: Apache-2.0
"""Whole pipelines."""

from benchmarks.bench import each_case


@each_case("pipelines: ")
def test_pipelines(timed, check, build):
    timed(check, build)
