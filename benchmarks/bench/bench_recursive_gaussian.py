# SPDX-License-Identifier: Apache-2.0
"""recursive_gaussian: smoothing at a cost that does not grow with sigma."""

from benchmarks.bench import each_case


@each_case("recursive Gaussian")
def test_recursive_gaussian(timed, check, build):
    timed(check, build)
