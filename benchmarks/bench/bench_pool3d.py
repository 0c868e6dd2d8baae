# SPDX-License-Identifier: Apache-2.0
"""pool3d: max and average pooling."""

from benchmarks.bench import each_case


@each_case("pool3d: ")
def test_pool3d(timed, check, build):
    timed(check, build)
