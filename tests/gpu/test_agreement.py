# SPDX-License-Identifier: Apache-2.0
"""Masks and label maps of GPU arrays compared: the CPU's numbers."""

import backends
import numpy as np
import pytest
from cases import LAYOUTS, in_layout

import voxkern as vk

cupy = pytest.importorskip("cupy", reason=backends.NO_CUDA)

SHAPE = (5, 7, 9)
SPACING = (2.0, 0.9, 0.7)
CALLS = [
    (vk.dice, {}),
    (vk.hausdorff_distance, {"spacing": SPACING}),
    (vk.hausdorff_distance, {"percentile": 95, "spacing": SPACING, "pooled": True}),
    (vk.mean_surface_distance, {"spacing": SPACING}),
]


def masks(rng):
    a = np.zeros(SHAPE, bool)
    a[1:4, 2:6, 1:7] = True
    b = np.roll(a, (1, 0, 2), (0, 1, 2))
    b[0] ^= rng.random(SHAPE[1:]) < 0.1
    return a, b


@pytest.mark.parametrize(("measure", "options"), CALLS)
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", ["bool", "float16", "int64"])
def test_masks(rng, measure, options, layout, dtype):
    a, b = (mask.astype(dtype) * np.array(3, dtype) for mask in masks(rng))
    there = [in_layout(mask, layout, cupy.asarray) for mask in (a, b)]
    got = measure(*there, **options)
    assert type(got) is float and got == pytest.approx(measure(a, b, **options), rel=1e-14)
    assert measure(there[0], there[0], **options) == (1 if measure is vk.dice else 0)


@pytest.mark.parametrize(("measure", "options"), CALLS)
def test_labels(rng, measure, options):
    a, b = rng.integers(-1, 4, (2, *SHAPE)).astype(np.int16)
    b[b == 3] = 300
    there = cupy.asarray(a), cupy.asarray(b)
    for labels in ("all", [2, 99, 0]):
        got = measure(*there, labels=labels, **options)
        assert got == pytest.approx(measure(a, b, labels=labels, **options), rel=1e-14, nan_ok=True)


def test_empty_masks_and_places(rng):
    none, some = cupy.asarray(np.zeros((4, 5))), cupy.asarray(np.eye(4, 5))
    for measure in (vk.dice, vk.hausdorff_distance, vk.mean_surface_distance):
        assert np.isnan(measure(none, none))
        assert measure(none, some) == (0 if measure is vk.dice else np.inf)
    a, b = masks(rng)
    there = [vk.Volume(cupy.asarray(mask), np.diag([*SPACING, 1.0])) for mask in (a, b)]
    assert vk.hausdorff_distance(*there) == vk.hausdorff_distance(a, b, spacing=SPACING)
    with pytest.raises(vk.ArgumentTypeError, match="b: got a NumPy array"):
        vk.dice(cupy.asarray(a), b)
