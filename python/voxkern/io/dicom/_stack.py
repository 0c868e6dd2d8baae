# SPDX-License-Identifier: Apache-2.0
"""Frames of one kind to a stack: positions along the normal, and at each of them one frame per volume.

Geometry comes from position and orientation alone; what does not add up is an error that says what and
where, or one of the repairs the caller asked for.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..._runtime.errors import GeometryError, IrregularSpacingError, UnsupportedSeriesError
from .._guard import warn
from ._frames import Frame, check_orientation

_SAME_PLACE = 1e-3  # mm along the normal
_BESIDE = 0.1  # mm across it: frames at one distance but further apart than this are two stacks


@dataclass
class Stack:
    """Frames by position and volume, and the geometry of the positions."""

    frames: list[list[Frame]]  # [position][volume]
    along: NDArray[np.float64]  # mm of each position along the normal
    step: NDArray[np.float64]  # from position to position, LPS
    spacing_source: str
    axes: tuple[str, ...] = ()  # what distinguishes the volumes, slowest first
    values: tuple[tuple[Any, ...], ...] = ()
    sizes: tuple[int, ...] = ()
    repairs: list[str] = field(default_factory=list)
    irregular: bool = False

    @property
    def first(self) -> Frame:
        """The frame that lies at the origin."""
        return self.frames[0][0]


def stack(
    frames: Sequence[Frame],
    *,
    missing: str,
    irregular: str,
    thickness: float | None,
    same_pixels: Callable[[Frame, Frame], bool],
) -> Stack:
    """Sort frames of one kind into a stack; ``thickness`` is for a single slice that has none."""
    first = frames[0]
    if first.flat:
        return _flat_stack(list(frames))
    normal = np.array(check_orientation(first))
    positions = np.array([f.position for f in frames])
    distance = positions @ normal
    order = sorted(range(len(frames)), key=lambda i: (distance[i], frames[i].header.instance_uid))
    buckets: list[list[int]] = []
    for i in order:
        if buckets and distance[i] - distance[buckets[-1][0]] < _SAME_PLACE:
            apart = positions[i] - positions[buckets[-1][0]]
            if float(np.linalg.norm(apart - normal * float(normal @ apart))) > _BESIDE:
                raise UnsupportedSeriesError(
                    f"{frames[i].name} and {frames[buckets[-1][0]].name} lie beside each other in one plane: "
                    "several stacks in one series"
                )
            buckets[-1].append(i)
        else:
            buckets.append([i])
    places = [[frames[i] for i in bucket] for bucket in buckets]
    places = _without_duplicates(places, same_pixels)
    repairs: list[str] = []
    places = _complete(places, missing, repairs)
    axes, values, sizes = _order_volumes(places)
    where = np.array([p[0].position for p in places])
    along = where @ normal
    result = Stack(places, along, np.zeros(3), "ImagePositionPatient", axes, values, sizes, repairs)
    if len(places) == 1:
        result.step, result.spacing_source = _step_of_one(places[0][0], normal, thickness)
    else:
        _measure_step(result, where, normal, missing, irregular)
    return result


def _flat_stack(frames: list[Frame]) -> Stack:
    """Return images without place: one plane, further frames one after another in time."""
    frames.sort(key=lambda f: (f.number, f.index))
    sizes = (len(frames),) if len(frames) > 1 else ()
    axes = ("time",) if sizes else ()
    values = (tuple(range(len(frames))),) if sizes else ()
    return Stack([frames], np.zeros(1), np.array([0.0, 0.0, 1.0]), frames[0].flat, axes, values, sizes)


# --- one frame per position and volume ---------------------------------------------------------------


def _without_duplicates(
    places: list[list[Frame]], same_pixels: Callable[[Frame, Frame], bool]
) -> list[list[Frame]]:
    """Drop frames that are there twice: the same instance, or the same facts and the same pixels."""
    dropped = 0
    kept_places = []
    for place in places:
        kept: list[Frame] = []
        for frame in place:
            if any(_same(frame, other, same_pixels) for other in kept):
                dropped += 1
            else:
                kept.append(frame)
        kept_places.append(kept)
    if dropped:
        warn(f"{dropped} duplicate slice(s) dropped")
    return kept_places


def _same(a: Frame, b: Frame, same_pixels: Callable[[Frame, Frame], bool]) -> bool:
    if a.file is b.file:
        return False
    if a.header.instance_uid and a.header.instance_uid == b.header.instance_uid:
        return True
    # Only frames that no fact and no time tells apart are compared pixel by pixel.
    return a.details == b.details and same_pixels(a, b)


def _complete(places: list[list[Frame]], missing: str, repairs: list[str]) -> list[list[Frame]]:
    """Make every position hold the same number of frames, or say which do not."""
    counts = Counter(len(place) for place in places)
    if len(counts) == 1:
        return places
    usual = max(counts)
    short = [k for k, place in enumerate(places) if len(place) < usual]
    if missing == "drop":
        names = Counter(frame.details.facts for place in places for frame in place)
        whole = [facts for facts, n in names.items() if n == len(places)]
        if whole:
            repairs.append("incomplete volumes dropped")
            warn(f"incomplete volumes dropped, {len(whole)} kept")
            return [[frame for frame in place if frame.details.facts in whole] for place in places]
    listed = ", ".join(f"{places[k][0].name} ({len(places[k])})" for k in short[:4])
    twice = next(place for place in places if len(place) == usual)
    raise UnsupportedSeriesError(
        f"{len(short)} of {len(places)} positions have fewer than {usual} frames: {listed}"
        f"{' and more' if len(short) > 4 else ''}; at the same position lie {twice[0].name} and "
        f"{twice[1].name} with different pixels (an incomplete volume? missing='drop' leaves it out)"
    )


def _order_volumes(
    places: list[list[Frame]],
) -> tuple[tuple[str, ...], tuple[tuple[Any, ...], ...], tuple[int, ...]]:
    """Sort the frames of every position in place; return names, values and sizes of the volume axes."""
    count = len(places[0])
    if count == 1:
        return (), (), ()
    facts = [[dict(frame.details.facts) for frame in place] for place in places]
    names = [n for n in ("segment", "time", "echo", "b_value", "phase") if _tells(facts, n)]
    # Facts that make a full grid are axes of their own; gradients alone keep the order they were made in.
    for chosen in (names, [n for n in names if n != "b_value"]):
        axes = _grid(places, facts, chosen, "b_value" if "b_value" in names else "time")
        if axes is not None:
            return axes
    # Else they are one axis, in the order they were made; what differs within every position names it.
    for place in places:
        place.sort(key=lambda frame: (frame.details.moment, frame.details.facts))
    distinct = [
        n for n in ("b_value", "echo", "phase", "segment", "time")
        if all(len({f.get(n) for f in place} - {None}) == count for place in facts)
    ]  # fmt: skip
    name = (distinct or [n for n in ("b_value", "echo", "phase", "segment") if n in names] or ["time"])[0]
    first = [dict(frame.details.facts).get(name, k) for k, frame in enumerate(places[0])]
    return (name,), (tuple(first),), (count,)


def _grid(
    places: list[list[Frame]], facts: list[list[dict[str, Any]]], names: list[str], repeated: str
) -> tuple[tuple[str, ...], tuple[tuple[Any, ...], ...], tuple[int, ...]] | None:
    """Sort the frames of every position into a grid of facts; None where they make none.

    Where each combination is there several times, an axis ``repeated`` goes before the others, in the order
    they were made.
    """
    values = [sorted({f[n] for f in facts[0]}) for n in names]
    repeats, rest = divmod(len(places[0]), math.prod(len(v) for v in values))
    keys = [[tuple(f[n] for n in names) for f in place] for place in facts]
    if rest or names in ([], ["b_value"]) or (repeats > 1 and repeated in names):
        return None
    if any(set(Counter(key).values()) != {repeats} for key in keys):
        return None
    for place, key in zip(places, keys, strict=True):
        made = sorted(range(len(place)), key=lambda k: (place[k].details.moment, place[k].details.facts))
        seen: Counter[tuple[Any, ...]] = Counter()
        ranked = []
        for k in made:
            ranked.append((seen[key[k]], key[k], k))
            seen[key[k]] += 1
        place[:] = [place[k] for _, _, k in sorted(ranked)]
    if repeats == 1:
        return tuple(names), tuple(map(tuple, values)), tuple(map(len, values))
    firsts = places[0][:: len(places[0]) // repeats]
    known = tuple(dict(f.details.facts).get(repeated, k) for k, f in enumerate(firsts))
    return (repeated, *names), (known, *map(tuple, values)), (repeats, *map(len, values))


def _tells(facts: list[list[dict[str, Any]]], name: str) -> bool:
    """Tell whether a fact takes the same several values at every position."""
    if any(name not in f for place in facts for f in place):
        return False
    values = {f[name] for f in facts[0]}
    return len(values) > 1 and all({f[name] for f in place} == values for place in facts)


# --- distances ----------------------------------------------------------------------------------------


def _step_of_one(
    one: Frame, normal: NDArray[np.float64], given: float | None
) -> tuple[NDArray[np.float64], str]:
    for source, value in (
        ("SpacingBetweenSlices", one.spacing_between),
        ("SliceThickness", one.thickness),
        ("given", given),
    ):
        if value is not None and value != 0:
            return normal * abs(value), source
    raise GeometryError(
        f"{one.name}: a single slice with neither SpacingBetweenSlices nor SliceThickness; give spacing="
    )


def _measure_step(
    result: Stack, where: NDArray[np.float64], normal: NDArray[np.float64], missing: str, irregular: str
) -> None:
    along = result.along
    gaps = np.diff(along)
    usual = float(np.median(gaps))
    tolerance = max(0.01 * usual, 1e-2)
    wrong = np.flatnonzero(np.abs(gaps - usual) > tolerance)
    if len(wrong):
        lost = np.rint(gaps / usual)
        whole = bool(np.all(np.abs(gaps - lost * usual) <= np.maximum(lost, 1) * tolerance)) and bool(
            np.all(lost >= 1)
        )
        if whole and missing == "interpolate":
            result.repairs.append(f"{int(np.sum(lost - 1))} missing slice(s) interpolated")
        elif irregular == "resample":
            result.repairs.append(f"resampled to equal distances of about {usual:.3f} mm")
        else:
            raise IrregularSpacingError(_describe(along, gaps, wrong, usual, whole))
        result.irregular = True
    step = (where[-1] - where[0]) / (len(where) - 1)
    straight = normal * float(normal @ step)
    # Positions are written with few digits: a drift below a hundredth of a millimetre is rounding.
    drift = np.linalg.norm(step - straight) * (len(where) - 1)
    result.step = straight if drift < 1e-2 else step


def _describe(
    along: NDArray[np.float64], gaps: NDArray[np.float64], wrong: NDArray[np.intp], usual: float, whole: bool
) -> str:
    listed = ", ".join(f"{gaps[i]:.3f} mm after {along[i]:.2f} mm" for i in wrong[:8])
    more = f" and {len(wrong) - 8} more" if len(wrong) > 8 else ""
    repair = "missing='interpolate'" if whole else "irregular='resample'"
    return (
        f"{len(wrong)} of {len(gaps)} gaps between {len(along)} slices differ from the usual {usual:.3f} mm "
        f"(a slice is missing, or the spacing changes): {listed}{more}; {repair} repairs it"
    )
