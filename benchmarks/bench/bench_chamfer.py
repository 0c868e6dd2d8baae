# SPDX-License-Identifier: Apache-2.0
"""chamfer: steps to the nearest zero."""

from benchmarks.bench import each_case


@each_case("distance: steps")
def test_chamfer(timed, check, build):
    timed(check, build)
