# SPDX-License-Identifier: Apache-2.0
"""edt: Euclidean distances, and those between surfaces."""

from benchmarks.bench import each_case


@each_case("distance: distances", "agreement: ")
def test_edt(timed, check, build):
    timed(check, build)
