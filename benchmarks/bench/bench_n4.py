# SPDX-License-Identifier: Apache-2.0
"""n4: whole fits, and one iteration."""

from benchmarks.bench import each_case


@each_case("n4: ")
def test_n4(timed, check, build):
    timed(check, build)
