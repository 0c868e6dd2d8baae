# SPDX-License-Identifier: Apache-2.0
"""rescale: stored pixels to values, as ``load`` runs it on files; and loading and saving as a whole."""

from benchmarks.bench import each_case


@each_case("load: ")
def test_rescale(timed, check, build):
    timed(check, build)
