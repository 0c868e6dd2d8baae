# SPDX-License-Identifier: Apache-2.0
"""dense: fully connected layers, softmax and argmax."""

from benchmarks.bench import each_case


@each_case("dense: ")
def test_dense(timed, check, build):
    timed(check, build)
