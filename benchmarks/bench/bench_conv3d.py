# SPDX-License-Identifier: Apache-2.0
"""conv3d: the layers of networks, by each algorithm."""

from benchmarks.bench import each_case


@each_case("conv3d: ")
def test_conv3d(timed, check, build):
    timed(check, build)
