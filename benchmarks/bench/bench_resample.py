# SPDX-License-Identifier: Apache-2.0
"""resample: axis-aligned grids."""

from benchmarks.bench import each_case


@each_case(
    "resample: resample",
    "resize",
    "sample nearest",
    "sample linear",
    "sample cubic",
    "sample a",
    "zoom",
    "shift",
)
def test_resample(timed, check, build):
    timed(check, build)
