# SPDX-License-Identifier: Apache-2.0
"""norm: statistics, scale, shift and activation."""

from benchmarks.bench import each_case


@each_case("norm: ")
def test_norm(timed, check, build):
    timed(check, build)
