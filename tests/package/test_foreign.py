# SPDX-License-Identifier: Apache-2.0
"""Images of other libraries: taken as arguments, and what Volumes become there."""

import numpy as np
import pytest

import voxkern as vk

AFFINE = np.array([[0.0, 0.0, 2.0, -9.0], [0.7, 0.0, 0.0, 4.0], [0.0, -1.1, 0.0, 7.0], [0, 0, 0, 1]])


@pytest.fixture
def scan(rng):
    return vk.Volume(rng.random((4, 5, 6), dtype=np.float32), AFFINE)


@pytest.fixture
def series(rng):
    meta = {"axes": ("time",), "axis_values": ((1.0, 3.5, 6.0),)}
    return vk.Volume(rng.random((4, 5, 6, 3), dtype=np.float32), AFFINE, meta)


def same(got, want):
    np.testing.assert_array_equal(got.data, want.data)
    np.testing.assert_allclose(got.affine, want.affine, atol=1e-6)


def test_time_in_simpleitk(series):
    pytest.importorskip("SimpleITK")
    image = series.to_sitk()
    assert image.GetDimension() == 4 and image.GetSize() == (6, 5, 4, 3)
    assert image.GetSpacing()[3] == 2.5 and image.GetOrigin()[3] == 1.0
    point = image.TransformIndexToPhysicalPoint((5, 4, 3, 2))
    np.testing.assert_allclose([-1, -1, 1] * series.index_to_world([3, 4, 5]), point[:3], atol=1e-6)
    back = vk.Volume.from_sitk(image)
    same(back, series)
    assert back.meta["axes"] == ("time",) and back.meta["axis_values"] == ((1.0, 3.5, 6.0),)
    assert vk.resample(image, spacing=1.0).meta["axes"] == ("time",)


def test_components_in_simpleitk(scan, rng):
    pytest.importorskip("SimpleITK")
    vectors = vk.Volume(rng.random((4, 5, 6, 2)), AFFINE)
    image = vectors.to_sitk()
    assert image.GetDimension() == 3 and image.GetNumberOfComponentsPerPixel() == 2
    back = vk.Volume.from_sitk(image)
    same(back, vectors)
    assert back.meta["axes"] == ("channel",)
    both = vk.Volume(rng.random((4, 5, 6, 3, 2)), AFFINE, {"axes": ("time", "channel")})
    image = both.to_sitk()
    assert image.GetDimension() == 4 and image.GetNumberOfComponentsPerPixel() == 2
    same(vk.Volume.from_sitk(image), both)
    assert vk.Volume(scan.data > 0.5, AFFINE).to_sitk().GetPixelIDTypeAsString().startswith("8-bit unsigned")
    same(vk.Volume.from_sitk(scan.with_data(scan.data.astype(">f4")).to_sitk()), scan)


@pytest.mark.parametrize(
    ("data", "meta"),
    [
        (np.zeros((2, 2, 2), np.float16), {}),
        (np.zeros((2, 2, 2), object), {}),
        (np.zeros((2, 2, 2, 2, 2)), {}),
        (np.zeros((2, 2, 2, 2, 2, 2)), {"axes": ("time", "echo", "channel")}),
    ],
)
def test_what_simpleitk_does_not_hold(data, meta):
    pytest.importorskip("SimpleITK")
    with pytest.raises((vk.ArgumentError, vk.ArgumentTypeError), match=r"volume: got .* allowed"):
        vk.Volume(data, np.eye(4), meta).to_sitk()


def test_turned_time_is_refused():
    sitk = pytest.importorskip("SimpleITK")
    image = sitk.Image([4, 4, 4, 4], sitk.sitkUInt8)
    image.SetDirection(np.eye(4)[[0, 1, 3, 2]].ravel().tolist())
    with pytest.raises(vk.ArgumentError, match="mixes space and time"):
        vk.Volume.from_sitk(image)
    with pytest.raises(vk.ArgumentError, match="2 dimensions"):
        vk.Volume.from_sitk(image[:, :, 0, 0])


@pytest.mark.parametrize("make", [vk.Volume.from_sitk, vk.Volume.from_nibabel, vk.Volume.from_itk])
@pytest.mark.parametrize("wrong", [5, None, "x", np.zeros((3, 3, 3))], ids=repr)
def test_what_is_no_image(make, wrong):
    package = {"from_sitk": "SimpleITK", "from_nibabel": "nibabel", "from_itk": "itk"}[make.__name__]
    pytest.importorskip(package, reason=f"{package} is not installed")
    with pytest.raises(vk.ArgumentTypeError, match=r"image: got .* allowed"):
        make(wrong)


def test_itk(scan, series):
    itk = pytest.importorskip("itk", reason="itk is not installed: nox -s interop has it")
    image = itk.image_from_array(np.ascontiguousarray(scan.data))
    lps = np.diag([-1.0, -1, 1, 1]) @ AFFINE
    image.SetSpacing(scan.spacing[::-1])
    image.SetOrigin(lps[:3, 3])
    image.SetDirection(itk.matrix_from_array((lps[:3, :3] / scan.spacing)[:, ::-1]))
    same(vk.Volume.from_itk(image), scan)
    same(vk.resample(image, spacing=1.0), vk.resample(scan, spacing=1.0))
    timed = itk.image_from_array(np.ascontiguousarray(np.moveaxis(series.data, 3, 0)))
    got = vk.zscore(timed)
    assert got.shape == series.shape and got.meta["axes"] == ("time",)


def test_xarray(scan, series):
    pytest.importorskip("xarray")
    for volume, dims in ((scan, ("i", "j", "k")), (series, ("i", "j", "k", "time"))):
        array = volume.to_xarray()
        assert array.dims == dims and np.shares_memory(array.data, volume.data)
        np.testing.assert_allclose(array.j, np.arange(5) * 1.1)
        assert array.j.attrs["units"] == "mm" and array.attrs["orientation"] == volume.orientation
        np.testing.assert_array_equal(array.attrs["affine"], volume.affine)
    assert series.to_xarray().time.values.tolist() == [1.0, 3.5, 6.0]
    assert vk.Volume(np.zeros((2, 2, 2, 3)), np.eye(4)).to_xarray().dims[3] == "axis_3"


def test_torch(scan):
    torch = pytest.importorskip("torch")
    tensor = scan.to_torch()
    assert isinstance(tensor, torch.Tensor) and tensor.data_ptr() == scan.data.ctypes.data
    np.testing.assert_array_equal(tensor.numpy(), scan.data)
    frozen = scan.data.copy()
    frozen.flags.writeable = False
    for data in (scan.data[::-1], scan.data.astype(">f4"), frozen):
        np.testing.assert_array_equal(scan.with_data(data).to_torch().numpy(), data)
    with pytest.raises(vk.ArgumentTypeError, match="volume: got dtype"):
        scan.with_data(scan.data.astype(np.longdouble)).to_torch()
