# SPDX-License-Identifier: Apache-2.0
"""Tell rows of a machine that did something else meanwhile: they are not kept."""

from typing import Any

from benchmarks.phantoms import ZERO_BACKGROUND

ROUNDS = 5  # all calls take turns so often,
ROUNDS_END = 15.0  # seconds after which no further round begins
SHORT = 0.005  # seconds; on two threads, what takes less is mostly their start
THREADS_COST = 1.5  # all threads never take this much longer than one,
ZEROS_COST = 2.0  # nor do zeros make both us and each peer this much slower

Row = dict[str, Any]


class Disturbed(RuntimeError):
    """The times of a case contradict each other; measure it again."""


def check(best: dict[str, float], rounds: int) -> None:
    """Refuse the shortest times of all calls of a case, and its number of rounds, where they disagree."""
    ours, single = best.get("voxkern", 0.0), best.get("one thread", 0.0)
    if single > SHORT and ours > THREADS_COST * single:
        raise Disturbed(f"{ours * 1e3:.3g} ms on all threads, {single * 1e3:.3g} ms on one")
    spent = rounds * sum(best.values())
    if rounds < ROUNDS and spent < ROUNDS_END / 2:
        raise Disturbed(f"{rounds} rounds in {ROUNDS_END:g} s, though their calls take {spent:.3g} s")


def slower_with_zeros(rows: list[Row]) -> dict[str, str]:
    """Return case -> reason where a zero background slowed every tool, as only the machine can."""
    known = {(row["case"], row["size"], row["peer"]): row for row in rows}
    ratios: dict[str, list[float]] = {}
    for row in rows:
        plain = known.get((row["case"].removesuffix(ZERO_BACKGROUND), row["size"], row["peer"]), row)
        if plain is not row:
            longer = [row[who] / plain[who] for who in ("seconds", "peer_seconds")]
            ratios.setdefault(row["case"], []).extend(longer)
    return {
        case: f"we and each peer take {min(found):.2g} times as long as without zeros, or more"
        for case, found in ratios.items()
        if min(found) > ZEROS_COST
    }
