# SPDX-License-Identifier: Apache-2.0
"""regions: statistics and measurements of labels."""

from benchmarks.bench import each_case


@each_case("components: label statistics", "measurements: ")
def test_regions(timed, check, build):
    timed(check, build)
