# SPDX-License-Identifier: Apache-2.0
"""n4 of GPU arrays: the field the CPU finds, the same bits in every order, one wait, no image to the host."""

import backends
import numpy as np
import pytest
from cases import LAYOUTS, in_layout
from n4_phantom import difference, phantom

import voxkern as vk

cupy = pytest.importorskip("cupy", reason=backends.NO_CUDA)

SHAPE = (10, 13, 34)  # more than a warp of columns
FEW = {"maximum_number_of_iterations": (2, 1)}


def on_both(image, mask=None, weights=None, *, layout="C", field_within=1e-4, **kwargs):
    """Run on both sides, compare, and return the GPU's corrected image and details."""
    options = {**FEW, **kwargs, "return_field": True, "return_details": True}
    given = [None if a is None else in_layout(a, layout) for a in (image, mask, weights)]
    want, want_field, want_details = vk.n4_bias_field_correction(*given[:2], weights=given[2], **options)
    given = [None if a is None else in_layout(a, layout, cupy.asarray) for a in (image, mask, weights)]
    got, field, details = vk.n4_bias_field_correction(*given[:2], weights=given[2], **options)
    assert type(got) is type(field) is cupy.ndarray and got.dtype == want.dtype
    assert got.strides == want.strides and field.strides == want_field.strides
    assert difference(np.log(field.get()), np.log(want_field)) <= field_within
    np.testing.assert_allclose(got.get(), want, rtol=1e-4, atol=1e-4)
    for one, other in zip(*(d if isinstance(d, list) else [d] for d in (details, want_details)), strict=True):
        assert [s[:2] for s in one.trace] == [s[:2] for s in other.trace]
        np.testing.assert_allclose([s[2] for s in one.trace], [s[2] for s in other.trace], rtol=1e-3)
        assert one.voxels == other.voxels
        assert one.log_field_lattice.shape == other.log_field_lattice.shape
    np.testing.assert_array_equal(given[0].get(), in_layout(image, layout))
    return got, details


OPTIONS = {
    "itk": {},
    "exact": {"compat": "exact"},
    "to convergence": {"maximum_number_of_iterations": (9, 9), "convergence_threshold": 0.02},
    "levels": {"maximum_number_of_iterations": (2, 0, 1), "number_of_control_points": (4, 5, 6)},
    "shrink": {"shrink_factor": 2},
    "shrink, aligned": {"shrink_factor": (2, 1, 3), "field_alignment": "physical"},
    "mesh": {"mesh": (1, 2, 1)},
    "order 1": {"spline_order": 1},
    "order 5": {"spline_order": 5, "number_of_control_points": 6},
    "bins": {"number_of_histogram_bins": 256, "bias_field_full_width_at_half_maximum": 0.3},
    "noise": {"wiener_filter_noise": 0.1},
    "mean": {"mean_preserving": True},
    "ants": {"outside": "input", "rescale": True, "convergence_threshold": 0},
}


@pytest.mark.parametrize("name", OPTIONS)
def test_options(name):
    image, mask = phantom(SHAPE)
    on_both(image, None if "order" in name or name == "shrink" else mask, **OPTIONS[name])


def test_mask_label_and_weights(rng):
    image, mask = phantom(SHAPE)
    weights = (rng.random(SHAPE) * (rng.random(SHAPE) > 0.2)).astype(np.float32)
    on_both(image, mask * np.int16(7), weights, mask_label=7)
    on_both(image, None, weights.astype(np.float64), compat="exact", outside="input")


@pytest.mark.parametrize("layout", LAYOUTS)
def test_dtypes_and_layouts(layout):
    image, mask = phantom((6, 8, 9))
    for dtype in ("uint8", "int16", "uint64", "float32", "float64"):
        given = np.clip(image, 1, 250).astype(dtype)
        on_both(given, mask.astype(dtype), layout=layout, maximum_number_of_iterations=1)


def test_axes():
    for shape in ((40, 33), (12, 1, 30), (3, 90, 7), (2, 9, 150)):
        image, mask = phantom(shape)
        on_both(image, mask if mask.any() else None, compat="exact")
    series = np.stack([phantom(SHAPE)[0], phantom(SHAPE, 3)[0]], axis=-1)
    on_both(series, phantom(SHAPE)[1])


def test_values_without_a_logarithm():
    image, mask = phantom(SHAPE)
    image[5, 6, 10:14] = (0, -3, 0, -1)
    for compat in ("itk", "exact"):
        with pytest.warns(UserWarning, match="4 voxels inside the mask are 0 or less"):
            on_both(image, mask, compat=compat, field_within=3e-4)  # the extreme voxel's bin, see README


@pytest.mark.parametrize("order", ["reverse", "1", "2"])
@pytest.mark.parametrize("streams", ["eager", "deferred"])
def test_same_bits_in_any_order_and_stream(orders, order, streams):
    image, mask = phantom((12, 14, 35))

    def run():
        return [
            a.get().tobytes()
            for a in vk.n4_bias_field_correction(
                cupy.asarray(image), cupy.asarray(mask), return_field=True, **FEW
            )
        ]

    want = run()
    orders.set_order(order)
    orders.set_streams(streams)
    with cupy.cuda.Stream(non_blocking=True):
        assert run() == want


def test_a_chain_stays_on_the_gpu(executor):
    """One wait, for 80 bytes of counts; neither image nor field, lattice or histogram ever leave."""
    image, mask = phantom((12, 14, 16))
    volume = vk.Volume(cupy.asarray(image), np.diag([2.0, 2.0, 2.0, 1.0]), {"modality": "MR"})
    mask = cupy.asarray(mask)
    before = executor.counters()
    corrected = vk.n4_bias_field_correction(volume, mask, outside="input", rescale=True, **FEW)
    fine = vk.resample(corrected, spacing=1.5, order=3)
    after = executor.counters()
    for name in ("copies_to_host", "synchronisations"):
        assert after[name] == before[name] + 1, name
    assert isinstance(fine, vk.Volume) and type(fine.data) is cupy.ndarray and fine.meta["modality"] == "MR"
    want = vk.n4_bias_field_correction(
        vk.Volume(image, volume.affine), mask.get(), outside="input", rescale=True, **FEW
    )
    np.testing.assert_allclose(
        fine.data.get(), vk.resample(want, spacing=1.5, order=3).data, rtol=1e-3, atol=0.05
    )


def test_launches_are_few(executor):
    """Eight launches for an iteration, whatever it finds."""
    image = cupy.asarray(phantom((8, 9, 10))[0])

    def launches(iterations):
        before = executor.counters()["launches"]
        vk.n4_bias_field_correction(image, maximum_number_of_iterations=iterations, convergence_threshold=0)
        return executor.counters()["launches"] - before

    assert launches(3) - launches(2) == 8


def test_callback():
    image, mask = (cupy.asarray(a) for a in phantom(SHAPE))
    seen = []
    _, details = vk.n4_bias_field_correction(
        image, mask, return_details=True, callback=lambda *step: seen.append(step), **FEW
    )
    assert seen == [tuple(s) for s in details.trace]

    def stop(level, iteration, convergence):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        vk.n4_bias_field_correction(image, mask, callback=stop, **FEW)


def test_otsu():
    image = phantom(SHAPE)[0]
    want = vk.n4_bias_field_correction(image, "otsu", **FEW)
    got = vk.n4_bias_field_correction(cupy.asarray(image), "otsu", **FEW)
    np.testing.assert_allclose(got.get(), want, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda x, m: (np.full_like(x, 5), m), "got one value everywhere inside the mask"),
        (lambda x, m: (x, m * 0), "mask: got no voxel inside"),
        (lambda x, m: (x * np.nan, m), "voxels that are NaN or infinite inside the mask"),
        (lambda x, m: (-x, m), "got no positive voxel inside the mask"),
    ],
)
def test_errors(change, message):
    given = change(*phantom((6, 7, 8)))
    with pytest.raises(vk.ArgumentError, match=message):
        vk.n4_bias_field_correction(*(cupy.asarray(a) for a in given))
    with pytest.raises(vk.ArgumentError, match="got 2097152 in all, allowed 1048576 on a GPU"):
        vk.n4_bias_field_correction(cupy.asarray(given[0]), maximum_number_of_iterations=(1 << 20, 1 << 20))
