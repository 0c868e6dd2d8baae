# SPDX-License-Identifier: Apache-2.0
"""rank: medians and percentiles."""

from benchmarks.bench import each_case


@each_case("median", "percentile")
def test_rank(timed, check, build):
    timed(check, build)
