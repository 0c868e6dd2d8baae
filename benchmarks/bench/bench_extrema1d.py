# SPDX-License-Identifier: Apache-2.0
"""extrema1d: minima and maxima over boxes and footprints."""

from benchmarks.bench import each_case


@each_case("extrema: ")
def test_extrema1d(timed, check, build):
    timed(check, build)
