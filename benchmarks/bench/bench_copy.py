# SPDX-License-Identifier: Apache-2.0
"""copy: strided arrays into another dtype."""

from benchmarks.bench import each_case


@each_case("copy: ")
def test_copy(timed, check, build):
    timed(check, build)
