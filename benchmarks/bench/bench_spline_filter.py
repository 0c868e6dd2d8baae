# SPDX-License-Identifier: Apache-2.0
"""spline_filter: cubic coefficients."""

from benchmarks.bench import each_case


@each_case("spline_filter")
def test_spline_filter(timed, check, build):
    timed(check, build)
