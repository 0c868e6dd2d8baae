# SPDX-License-Identifier: Apache-2.0
"""Formats beside DICOM: voxels and geometry of nibabel, SimpleITK and spectral; round trips; traps."""

import contextlib
import dataclasses
import gc
import gzip
import inspect
import json
import struct
import warnings
from pathlib import Path

import numpy as np
import pytest

import voxkern as vk
from voxkern.io import formats
from voxkern.io._guard import reading
from voxkern.io._options import Options

nib = pytest.importorskip("nibabel")
sitk = pytest.importorskip("SimpleITK")
nrrd = pytest.importorskip("nrrd")

NIBABEL = Path(nib.__file__).parent / "tests" / "data"
AFFINE = np.array([[0, 0, 2.5, -10], [0.9, 0, 0, 20], [0, -1.1, 0, 30], [0, 0, 0, 1.0]])
SAVED = [f"x{suffix}" for suffix, kind in formats.SAVED.items() if suffix != ".png" and not kind.store]


def by_nibabel(path):
    image = nib.load(path)
    return np.asanyarray(image.dataobj), image.affine


def by_sitk(path):
    v = vk.Volume.from_sitk(sitk.ReadImage(str(path)))
    return v.data, v.affine


def oblique(spacing=(3.0, 0.5, 0.8)):
    a, b = 0.3, -0.2
    turn = np.array([[np.cos(a), -np.sin(a), 0], [np.sin(a), np.cos(a), 0], [0, 0, 1]])
    turn = turn @ np.array([[1, 0, 0], [0, np.cos(b), -np.sin(b)], [0, np.sin(b), np.cos(b)]])
    affine = np.eye(4)
    affine[:3, :3], affine[:3, 3] = turn @ np.diag(spacing), [12.5, -31, 7.25]
    return affine


# --- the table and the keywords ------------------------------------------------------------------------


@pytest.mark.parametrize("kind", formats.FORMATS, ids=lambda kind: kind.name)
def test_every_row_names_functions(kind):
    assert list(inspect.signature(formats.function(kind.load)).parameters)[1:] == ["options"]
    assert bool(kind.save) == bool(kind.saved or kind.folder)
    assert set(kind.saved) <= set(kind.suffixes)
    if kind.save:
        assert list(inspect.signature(formats.function(kind.save)).parameters) == ["volume", "path"]


def test_formats_that_share_a_suffix_are_told_apart(tmp_path):
    for suffix in {s for kind in formats.FORMATS for s in kind.suffixes}:
        rows = [kind for kind in formats.FORMATS if suffix in kind.suffixes]
        assert len(rows) == 1 or sum(not kind.head for kind in rows) == 1, suffix
    for head, name in ((b"\n envi\n", "envi"), (b"!INTERFILE :=", "interfile"), (b"\0" * 348, "nibabel")):
        (tmp_path / "x.hdr").write_bytes(head)
        assert formats.format_of(tmp_path / "x.hdr").name == name


def test_keywords_of_load_are_the_options():
    keywords = list(inspect.signature(vk.load).parameters.values())[1:]
    assert [(p.name, p.default) for p in keywords] == [
        (f.name, f.default) for f in dataclasses.fields(Options)
    ]


def test_warnings_point_at_the_caller(tmp_path):
    (tmp_path / "x.raw").write_bytes(b"\0" * 24)
    with pytest.warns(UserWarning, match="no geometry in the file") as caught:
        vk.load(tmp_path / "x.raw", shape=(2, 3, 4), dtype="u1")
    assert [w.filename for w in caught] == [__file__]


# --- round trips ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SAVED)
@pytest.mark.parametrize("dtype", ["uint8", "int16", "uint16", "int32", "float32", "float64"])
@pytest.mark.parametrize("order", "CF")
def test_round_trip(rng, tmp_path, name, dtype, order):
    data = np.asarray((rng.random((4, 5, 6)) * 200).astype(dtype), order=order)
    v = vk.Volume(data, oblique(), {"modality": "MR"} if name.endswith("npz") else {})
    path = vk.save(v, tmp_path / name)
    w = vk.load(path)
    assert w.dtype == dtype and w.shape == v.shape
    np.testing.assert_array_equal(w.data, data)
    np.testing.assert_allclose(w.affine, v.affine, atol=1e-6)
    left = {p.name for p in tmp_path.iterdir()}
    assert left == ({"x.mhd", "x.zraw"} if name == "x.mhd" else {name})
    if not name.endswith("npz"):
        peer, affine = by_sitk(path)
        peer = vk.reorient(vk.Volume(peer, affine), v.orientation)
        np.testing.assert_array_equal(peer.data, data)
        np.testing.assert_allclose(peer.affine, v.affine, atol=1e-5)


@pytest.mark.parametrize("name", ["x.nii.gz", "x.mha", "x.nrrd", "x.npz"])
def test_fourth_axis_round_trip(rng, tmp_path, name):
    meta = {"axes": ("time",), "axis_values": ((0, 1, 2),)}
    v = vk.Volume(rng.random((4, 5, 6, 3), dtype=np.float32), oblique(), meta)
    w = vk.load(vk.save(v, tmp_path / name))
    np.testing.assert_array_equal(w.data, v.data)
    np.testing.assert_allclose(w.affine, v.affine, atol=1e-6)
    assert w.meta["axes"] == ("time",)


@pytest.mark.parametrize("name", ["x.nii", "x.nii.gz", "x.mha", "x.nrrd", "x.npz", "raw.mha", "raw.nrrd"])
def test_half_a_file_is_refused(rng, tmp_path, name):
    """ITK gives a full image for half a file without a word."""
    v = vk.Volume(rng.integers(-999, 999, (20, 21, 22)).astype(np.int16), oblique())
    path = tmp_path / name
    if name.startswith("raw"):
        sitk.WriteImage(v.to_sitk(), str(path), useCompression=False)
    else:
        vk.save(v, path)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(vk.FileFormatError, match="not a readable"):
        vk.load(path)


def test_pictures_round_trip(rng, tmp_path):
    for dtype, k in (("uint8", 0), ("uint16", 1)):
        v = vk.Volume((rng.random((12, 5, 6)) * 255).astype(dtype), oblique())
        folder = vk.save(v, tmp_path / f"slices{k}", format="png")
        assert len(list(folder.iterdir())) == 12
        np.testing.assert_array_equal(vk.load(folder, spacing=(3, 0.5, 0.8)).data, v.data)
        assert vk.load(folder, spacing=(3, 0.5, 0.8)).spacing == (3.0, 0.5, 0.8)
    one = vk.save(v.with_data(v.data[:1]), tmp_path / "one.png")
    np.testing.assert_array_equal(vk.load(one, spacing=1).data, v.data[:1])
    colour = vk.Volume((rng.random((2, 5, 6, 3)) * 255).astype(np.uint8), np.eye(4))
    w = vk.load(vk.save(colour, tmp_path / "colour", format="png"), spacing=1)
    np.testing.assert_array_equal(w.data, colour.data)
    assert w.meta["axes"] == ("channel",)


def test_meta_travels_in_npz(tmp_path):
    meta = {"modality": "MR", "axes": ("time",), "axis_values": ((0.0, 2.5),), "sheared": False}
    w = vk.load(vk.save(vk.Volume(np.zeros((2, 3, 4, 2)), np.eye(4), meta), tmp_path / "x.npz"))
    assert dict(w.meta) == meta


# --- against the libraries, on files they carry --------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        "anatomical.nii", "functional.nii", "example4d.nii.gz", "example_nifti2.nii.gz", "standard.nii.gz",
        "reoriented_anat_moved.nii", "minc1_1_scale.mnc", "minc2_1_scale.mnc", "small.mnc", "tiny.mnc",
        "test.mgz",
    ],
)  # fmt: skip
def test_nibabel_files(name):
    if not (NIBABEL / name).is_file():
        pytest.skip("this nibabel does not carry it")
    data, affine = by_nibabel(NIBABEL / name)
    v = vk.load(NIBABEL / name)
    assert v.shape == data.shape
    np.testing.assert_allclose(v.data, data, rtol=1e-6)
    np.testing.assert_allclose(v.affine, affine, atol=1e-6)


@pytest.mark.parametrize("cut", [0, 40, 300])
def test_mgh_files_are_closed(tmp_path, cut):
    """nibabel leaves the file it opens to the garbage collector, which warns of it."""
    whole = nib.MGHImage(np.zeros((2, 3, 4), np.float32), np.eye(4)).to_bytes()
    path = tmp_path / "x.mgh"
    path.write_bytes(whole[: len(whole) - cut])
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        with contextlib.suppress(vk.FileFormatError):
            assert vk.load(path).shape == (2, 3, 4)
        gc.collect()
    assert not [w for w in told if issubclass(w.category, ResourceWarning)]


@pytest.mark.parametrize("name", ["minc1_4d.mnc", "minc2_4d.mnc"])
def test_minc_time_comes_last(name):
    data, affine = by_nibabel(NIBABEL / name)
    v = vk.load(NIBABEL / name)
    np.testing.assert_allclose(v.data, np.moveaxis(data, 0, -1), rtol=1e-6)
    np.testing.assert_allclose(v.affine, affine)
    assert v.meta["axes"] == ("time",)


@pytest.mark.data
@pytest.mark.parametrize("folder", ["nifti", "minc", "analyze", "other"])
def test_pack_equals_nibabel(data_pack, folder):
    paths = [
        p for p in (data_pack / folder).iterdir() if p.name.endswith((".nii.gz", ".mnc", ".hdr", ".mgz"))
    ]
    assert paths
    for path in paths:
        data, affine = by_nibabel(path)
        v = vk.load(path)
        np.testing.assert_allclose(v.affine, affine, atol=1e-5)
        if data.dtype.names:  # RGB24
            data = np.stack([data[c] for c in data.dtype.names], axis=-1)
        np.testing.assert_allclose(v.data, data, rtol=1e-6, err_msg=path.name)


@pytest.mark.data
def test_pack_equals_simpleitk(data_pack):
    for path in [*(data_pack / "metaimage").glob("*.mh[ad]"), *(data_pack / "nrrd").iterdir()]:
        data, affine = by_sitk(path)
        v = vk.load(path)
        if path.suffix == ".nrrd":  # as stored, fastest axis first
            data, affine = data.transpose(2, 1, 0), affine[:, [2, 1, 0, 3]]
        np.testing.assert_array_equal(v.data, data)
        np.testing.assert_allclose(v.affine, affine, atol=1e-5)


@pytest.mark.data
def test_one_head_in_three_formats(data_pack):
    """MINC 1, MINC 2 and NIfTI of one head agree, where SimpleITK mirrors the MINC one."""
    names = ("nifti/avg152T1_RL_nifti.nii.gz", "minc/head_minc1.mnc", "minc/head_minc2.mnc")
    heads = [vk.reorient(vk.load(data_pack / p), "RAS") for p in (*names, "metaimage/head_raw.mhd")]
    for head in heads[1:]:
        np.testing.assert_allclose(head.data, heads[0].data, atol=1e-4)
        np.testing.assert_allclose(head.affine, heads[0].affine, atol=1e-4)


@pytest.mark.parametrize("suffix", [".mha", ".mhd"])
def test_packed_metaimage_is_whole(rng, tmp_path, suffix):
    """ITK returns voxels that nobody wrote for most of these, and waits for ever for a dictionary."""
    x = rng.integers(-9, 9, (4, 5, 6)).astype(np.int16)
    path = tmp_path / f"x{suffix}"
    sitk.WriteImage(sitk.GetImageFromArray(x), path, useCompression=True)
    np.testing.assert_array_equal(vk.load(path).data, x)
    voxels = path if suffix == ".mha" else tmp_path / "x.zraw"
    head, whole = path.read_bytes(), voxels.read_bytes()
    size = int(head.split(b"CompressedDataSize = ")[1].split(b"\n")[0])
    packed = whole[-size:]
    dictionary = bytes([packed[0], 0x20 + (-(packed[0] * 256 + 0x20)) % 31])
    for changed in (dictionary + packed[2:], packed[:-1], packed[:-1] + b"?", packed[:2], b"x" * size):
        voxels.write_bytes(whole[:-size] + changed)
        with pytest.raises(vk.FileFormatError):
            vk.load(path)
    voxels.write_bytes(whole)
    written = b"CompressedDataSize = %d\n" % size
    for other in (b"", b"CompressedDataSize = 0\n", b"CompressedDataSize = %d\n" % (size - 7)):
        path.write_bytes(path.read_bytes().replace(written, other))
        with pytest.raises(vk.FileFormatError):
            vk.load(path)
        path.write_bytes(head)
    path.write_bytes(head.replace(b"DimSize = 6 5 4", b"DimSize = 6 5 8"))
    with pytest.raises(vk.FileFormatError):
        vk.load(path)


@pytest.mark.data
def test_envi_without_byte_order(data_pack):
    spectral = pytest.importorskip("spectral")
    folder = data_pack / "envi"
    with pytest.warns(UserWarning, match="lacks byte order, header offset, 0 was taken"):
        v = vk.load(folder / "corn-kernel-hyperspectral.hdr")
    want = spectral.envi.open(
        str(folder / "corn-kernel-fixed.hdr"), str(folder / "corn-kernel-hyperspectral.raw")
    ).open_memmap(interleave="bip")
    assert v.shape == (1, 31, 43, 580) and v.meta["axes"] == ("band",)
    np.testing.assert_array_equal(v.data[0], want)
    assert len(v.meta["wavelengths"]) == 580 and v.meta["geometry"] == "none"


@pytest.mark.parametrize(("interleave", "order"), [("bsq", 0), ("bil", 1), ("bip", 0)])
def test_envi_interleaves(rng, tmp_path, interleave, order):
    pytest.importorskip("spectral")
    cube = rng.integers(0, 4000, (6, 7, 5)).astype(np.uint16)  # line, sample, band
    axes = {"bsq": (2, 0, 1), "bil": (0, 2, 1), "bip": (0, 1, 2)}[interleave]
    (tmp_path / "a.raw").write_bytes(cube.transpose(axes).astype(">u2" if order else "<u2").tobytes())
    (tmp_path / "a.hdr").write_text(
        f"ENVI\nlines = 6\nsamples = 7\nbands = 5\ndata type = 12\ninterleave = {interleave}\n"
        f"byte order = {order}\nheader offset = 0\ndata ignore value = 9\n"
    )
    v = vk.load(tmp_path / "a.hdr")
    np.testing.assert_array_equal(v.data[0], cube)
    assert v.dtype.isnative and v.meta["padding_value"] == (9.0, 9.0)
    (tmp_path / "a.raw").write_bytes(b"\0" * 100)
    with pytest.raises(vk.FileFormatError, match="truncated"):
        vk.load(tmp_path / "a.hdr")


# --- formats without geometry --------------------------------------------------------------------------


@pytest.mark.parametrize("byte_order", ["<", ">"])
def test_tiff_stack(rng, tmp_path, byte_order):
    tifffile = pytest.importorskip("tifffile")
    stack = rng.integers(0, 60000, (4, 5, 6)).astype(np.uint16)
    tifffile.imwrite(tmp_path / "a.tif", stack, byteorder=byte_order, photometric="minisblack")
    with pytest.warns(UserWarning, match="no geometry in the file"):
        v = vk.load(tmp_path / "a.tif")
    np.testing.assert_array_equal(v.data, stack)
    assert v.meta["geometry"] == "none" and v.meta["orientation"] == "unknown"
    assert vk.load(tmp_path / "a.tif", spacing=(2, 1, 1)).spacing == (2.0, 1.0, 1.0)
    tifffile.imwrite(
        tmp_path / "rgb.tif", (stack[..., None] % 255 * np.ones(3)).astype(np.uint8), photometric="rgb"
    )
    assert vk.load(tmp_path / "rgb.tif", spacing=1).shape == (4, 5, 6, 3)


@pytest.mark.parametrize("suffix", ["png", "jpg", "bmp", "pgm", "gif", "ppm"])
def test_pictures(rng, tmp_path, suffix):
    image = pytest.importorskip("PIL.Image")
    pixels = (rng.random((3, 8, 9)) * 255).astype(np.uint8)
    paths = []
    for k in range(3):
        picture = image.fromarray(pixels[k])
        paths.append(tmp_path / f"slice{k + 8}.{suffix}")  # 10 comes after 9
        (picture.convert("RGB") if suffix == "ppm" else picture).save(paths[-1])
    for source in (tmp_path, paths):
        v = vk.load(source, spacing=1)
        want = np.repeat(pixels[..., None], 3, -1) if v.ndim == 4 else pixels
        assert v.shape[:3] == (3, 8, 9)
        np.testing.assert_allclose(v.data.astype(int), want, atol=60 if suffix == "jpg" else 0)
    image.fromarray(pixels[0, :4]).save(paths[1])
    with pytest.raises(vk.FileFormatError, match="after slices of"):
        vk.load(tmp_path, spacing=1)


def test_raw_voxels(rng, tmp_path):
    data = rng.integers(-900, 900, (3, 4, 5)).astype(np.int16)
    (tmp_path / "a.raw").write_bytes(data.astype(">i2").tobytes())
    v = vk.load(tmp_path / "a.raw", shape=(3, 4, 5), dtype=">i2", spacing=(2, 1, 1))
    np.testing.assert_array_equal(v.data, data)
    assert v.dtype.isnative and v.spacing == (2.0, 1.0, 1.0)


def test_interfile(rng, tmp_path):
    data = rng.random((3, 4, 5)).astype(np.float32)
    (tmp_path / "a.i33").write_bytes(b"\0" * 16 + data.astype(">f4").tobytes())
    header = (
        "!INTERFILE :=\n!name of data file := a.i33\n!data offset in bytes := 16\n"
        "!imagedata byte order := BIGENDIAN\n!number format := short float\n!number of bytes per pixel := 4\n"
        "!matrix size [1] := 5\n!matrix size [2] := 4\n!number of slices := 3 ; of the study\n"
        "scaling factor (mm/pixel) [1] := 2.5\nscaling factor (mm/pixel) [2] := 2.0\n"
        "centre-centre slice separation (pixels) := 2\n!END OF INTERFILE :=\n"
    )
    for name in ("a.h33", "b.hv", "c.hdr"):
        (tmp_path / name).write_text(header)
        v = vk.load(tmp_path / name)
        np.testing.assert_array_equal(v.data, data)
        assert v.spacing == (5.0, 2.0, 2.5) and v.meta["orientation"] == "unknown"
    (tmp_path / "d.hv").write_text(header.replace("a.i33", "../../etc/passwd"))
    with pytest.raises(vk.FileFormatError, match="a file that it names is missing"):
        vk.load(tmp_path / "d.hv")


# --- NIfTI traps ---------------------------------------------------------------------------------------


def test_nii_is_memory_mapped_and_never_written(rng, tmp_path):
    path = vk.save(vk.Volume(rng.random((4, 5, 6), dtype=np.float32), AFFINE), tmp_path / "x.nii")
    before = path.read_bytes()
    v = vk.load(path)
    base = v.data
    while getattr(base, "base", None) is not None and not isinstance(base, np.memmap):
        base = base.base
    assert isinstance(base, np.memmap) or type(base).__name__ == "mmap"
    v.data[...] = 0
    assert path.read_bytes() == before


def test_units_become_millimetres(tmp_path):
    image = nib.Nifti1Image(np.zeros((2, 3, 4), np.int16), np.diag([0.002, 0.003, 0.004, 1]))
    image.header.set_xyzt_units("meter")
    nib.save(image, tmp_path / "x.nii")
    np.testing.assert_allclose(vk.load(tmp_path / "x.nii").spacing, (2, 3, 4), rtol=1e-6)


def test_garbage_behind_gzip_is_told_once(rng, tmp_path):
    v = vk.Volume(rng.random((8, 9, 10), dtype=np.float32), AFFINE)
    path = vk.save(v, tmp_path / "x.nii.gz")
    path.write_bytes(path.read_bytes() + b"garbage")
    with pytest.warns(UserWarning, match="7 bytes after the end of the gzip stream") as told:
        np.testing.assert_array_equal(vk.load(path).data, v.data)
    assert len(told) == 1


@pytest.mark.parametrize("encoding", ["raw", "gzip", "bzip2"])
def test_voxels_of_nrrd_can_be_written_to(rng, tmp_path, encoding):
    data = rng.integers(0, 999, (4, 5, 6)).astype(np.int16)
    nrrd.write(str(tmp_path / "x.nrrd"), data, {"encoding": encoding})
    v = vk.load(tmp_path / "x.nrrd")
    np.testing.assert_array_equal(v.data, data)
    v.data[...] = 0


def test_a_picture_beyond_the_canvas_is_refused(tmp_path):
    """Pillow makes the canvas larger, and may crash then."""
    Image = pytest.importorskip("PIL.Image")
    first, second = (Image.fromarray(np.full((3, 4), k, np.uint8)) for k in (0, 9))
    first.save(tmp_path / "x.gif", save_all=True, append_images=[second])
    content = (tmp_path / "x.gif").read_bytes()
    at = content.rindex(b"\x2c\0\0\0\0")  # where the second picture says its place
    (tmp_path / "x.gif").write_bytes(content[: at + 1] + struct.pack("<2H", 16992, 3490) + content[at + 5 :])
    with pytest.raises(vk.FileFormatError, match="pixels after"):
        vk.load(tmp_path / "x.gif", spacing=1)


def test_what_others_say_is_cut(tmp_path):
    """Some quote the whole file."""
    with pytest.raises(vk.FileFormatError) as caught, reading(tmp_path / "x.nii", "NIfTI"):
        raise ValueError("no " * 5000)
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize(
    "line", ["NDims = 99999999999999999999", "NDims : 4000000000", "NDims = 0", "NDims ="]
)
def test_a_metaimage_of_endless_axes_is_refused(tmp_path, line):
    """SimpleITK would count them one by one."""
    (tmp_path / "x.mha").write_text(
        f"ObjectType = Image\n{line}\nDimSize = 4 3 2\nElementType = MET_UCHAR\nElementDataFile = LOCAL\n"
    )
    with pytest.raises(vk.FileFormatError, match="NDims is not a number from 1 to 10"):
        vk.load(tmp_path / "x.mha")
    (tmp_path / "x.mha").write_text(
        f"NDims = 3\nComment = {'long ' * 20_000}\n{line}\nElementDataFile = LOCAL\n"
    )
    with pytest.raises(vk.FileFormatError, match="NDims is not a number from 1 to 10"):
        vk.load(tmp_path / "x.mha")
    (tmp_path / "x.mha").write_text("ObjectType = Image\n")
    with pytest.raises(vk.FileFormatError, match="lacks NDims"):
        vk.load(tmp_path / "x.mha")


def test_two_gzip_members_are_one_file(rng, tmp_path):
    path = vk.save(vk.Volume(rng.random((8, 9, 10), dtype=np.float32), AFFINE), tmp_path / "x.nii")
    content = path.read_bytes()
    packed = tmp_path / "y.nii.gz"
    packed.write_bytes(gzip.compress(content[:999]) + gzip.compress(content[999:]))
    np.testing.assert_array_equal(vk.load(packed).data, vk.load(path).data)


def test_a_small_gzip_cannot_claim_much(tmp_path):
    """What no gzip of that size can hold is refused before it is allocated."""
    header = nib.Nifti1Header()
    header.set_data_shape((1000, 1000, 1000))
    header["magic"], header["vox_offset"] = b"n+1", 352
    (tmp_path / "x.nii.gz").write_bytes(gzip.compress(header.binaryblock + b"\0" * 400))
    with pytest.raises(vk.FileFormatError, match="cannot hold"):
        vk.load(tmp_path / "x.nii.gz")


@pytest.mark.parametrize("scale", [(2.0, 0.0), (0.37, -5.5), (1.0, 3.0)])
@pytest.mark.parametrize("dtype", ["uint8", ">i2", "int32", ">f4", "float64"])
def test_scaled_voxels_equal_nibabel(rng, tmp_path, scale, dtype):
    image = nib.Nifti1Image((rng.random((3, 4, 5)) * 99).astype(dtype), np.eye(4))
    header = nib.Nifti1Header(endianness=">" if dtype[0] == ">" else "<")
    header.set_data_shape((3, 4, 5))
    header.set_data_dtype(dtype)
    header.set_sform(np.eye(4), 1)
    header["magic"], header["vox_offset"] = b"n+1", 352
    header["scl_slope"], header["scl_inter"] = scale
    body = np.asarray(image.dataobj).astype(header.get_data_dtype()).tobytes(order="F")
    (tmp_path / "x.nii").write_bytes(header.binaryblock + b"\0" * 4 + body)
    v = vk.load(tmp_path / "x.nii")
    assert v.dtype == (np.float64 if dtype == "float64" else np.float32)
    np.testing.assert_allclose(v.data, nib.load(tmp_path / "x.nii").get_fdata(), rtol=1e-6)


def test_npz_of_others_is_refused(tmp_path):
    np.savez(tmp_path / "a.npz", x=np.zeros(3))
    with pytest.raises(vk.FileFormatError, match="expected data and affine"):
        vk.load(tmp_path / "a.npz")
    np.savez(
        tmp_path / "b.npz", data=np.zeros((2, 2, 2)), affine=np.eye(4), meta=json.dumps({"patient": "x"})
    )
    with pytest.raises(vk.LoadError, match="meta"):
        vk.load(tmp_path / "b.npz")


def test_colours_of_analyze_are_a_last_axis(tmp_path, rng):
    colours = rng.integers(0, 256, (3, 4, 5, 3)).astype(np.uint8)
    records = colours.view([("R", "u1"), ("G", "u1"), ("B", "u1")])[..., 0]
    nib.AnalyzeImage(records, np.eye(4)).to_filename(tmp_path / "x.hdr")
    volume = vk.load(tmp_path / "x.hdr")
    assert volume.meta["axes"] == ("channel",)
    np.testing.assert_array_equal(volume.data, colours)
