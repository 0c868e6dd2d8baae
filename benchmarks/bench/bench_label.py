# SPDX-License-Identifier: Apache-2.0
"""label: connected components."""

from benchmarks.bench import each_case


@each_case("components: label grey", "components: label sparse", "components: largest", "components: fill")
def test_label(timed, check, build):
    timed(check, build)
