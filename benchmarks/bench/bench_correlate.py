# SPDX-License-Identifier: Apache-2.0
"""correlate: weights of any shape, dense and separable."""

from benchmarks.bench import each_case


@each_case("convolve")
def test_correlate(timed, check, build):
    timed(check, build)
