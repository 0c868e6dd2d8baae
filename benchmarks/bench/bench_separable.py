# SPDX-License-Identifier: Apache-2.0
"""separable: derivatives, their combinations, eigenvalues, vesselness."""

from benchmarks.bench import each_case


@each_case("gradient", "laplace", "hessian", "vesselness")
def test_separable(timed, check, build):
    timed(check, build)
