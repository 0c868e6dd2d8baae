# SPDX-License-Identifier: Apache-2.0
"""warp: rotations, displacement fields, points, mappings, and the adjoint."""

from benchmarks.bench import each_case


@each_case("rotation", "warp", "push", "points", "mapping")
def test_warp(timed, check, build):
    timed(check, build)
