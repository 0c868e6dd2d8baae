# SPDX-License-Identifier: Apache-2.0
"""normalise: windows and limits."""

from benchmarks.bench import each_case


@each_case("intensity: window", "intensity: clip_percentiles")
def test_normalise(timed, check, build):
    timed(check, build)
