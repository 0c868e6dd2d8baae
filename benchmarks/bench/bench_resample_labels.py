# SPDX-License-Identifier: Apache-2.0
"""resample_labels: label maps by rule, class scores."""

from benchmarks.bench import each_case


@each_case("labels: ")
def test_resample_labels(timed, check, build):
    timed(check, build)
