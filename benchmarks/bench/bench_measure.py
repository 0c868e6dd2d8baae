# SPDX-License-Identifier: Apache-2.0
"""measure: statistics, percentiles, Otsu's threshold and boxes."""

from benchmarks.bench import each_case


@each_case("intensity: zscore", "intensity: percentiles", "intensity: otsu", "intensity: crop_to_nonzero")
def test_measure(timed, check, build):
    timed(check, build)
