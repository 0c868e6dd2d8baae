# SPDX-License-Identifier: Apache-2.0
"""morphology: erosion and dilation of masks."""

from benchmarks.bench import each_case


@each_case("morphology: ")
def test_morphology(timed, check, build):
    timed(check, build)
