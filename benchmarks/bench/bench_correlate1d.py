# SPDX-License-Identifier: Apache-2.0
"""correlate1d: Gaussian and box filters, and any weights."""

from benchmarks.bench import each_case


@each_case("gaussian sigma", "uniform", "sobel", "correlate1d")
def test_correlate1d(timed, check, build):
    timed(check, build)
