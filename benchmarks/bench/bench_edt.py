# SPDX-License-Identifier: Apache-2.0
"""edt: Euclidean distances."""

from benchmarks.bench import each_case


@each_case("distance: ")
def test_edt(timed, check, build):
    timed(check, build)
