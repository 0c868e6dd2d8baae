# SPDX-License-Identifier: Apache-2.0
"""Whole networks, and sampling in networks."""

from benchmarks.bench import each_case


@each_case("networks: ")
def test_networks(timed, check, build):
    timed(check, build)
