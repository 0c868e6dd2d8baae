# SPDX-License-Identifier: Apache-2.0
"""Every image the benchmarks use, made from a fixed seed or from the template head nilearn carries."""

from collections.abc import Callable
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

TISSUES = {"csf": 45.0, "gm": 105.0, "wm": 150.0}
WHITE_MATTER = 150.0


def noise(shape: tuple[int, ...], dtype: str = "float32") -> Any:
    """Return uniform noise: 0 to 1 for floats, 0 to 2000 for integers."""
    rng = np.random.default_rng(0)
    if np.dtype(dtype).kind == "f":
        return rng.random(shape, np.float32).astype(dtype, copy=False)
    return rng.integers(0, 2000, shape).astype(dtype)


def ellipsoid(shape: tuple[int, ...], share: float = 0.6) -> Any:
    """Return a mask of the ellipsoid in the middle, as long as ``share`` of each axis."""
    axes = np.ogrid[tuple(slice(-1, 1, n * 1j) for n in shape)]
    return sum((a / share) ** 2 for a in axes) < 1


def masked_head(shape: tuple[int, ...], dtype: str = "float32") -> Any:
    """Return a skull-stripped head: folded tissues with noise in an ellipsoid, zero around it.

    The brain fills a ninth of the grid, as after brain extraction with the field of view kept.
    """
    z, y, x = np.ogrid[tuple(slice(-1, 1, n * 1j) for n in shape)]
    folds = np.sin(40 * x + 3 * np.sin(9 * y)) + np.sin(35 * y + 3 * np.sin(8 * z)) + np.sin(30 * z)
    tissue = np.select([folds < -0.7, folds < 0.6], [TISSUES["csf"], TISSUES["gm"]], TISSUES["wm"])
    grain = np.random.default_rng(0).standard_normal(shape, np.float32)
    return np.where(ellipsoid(shape), np.maximum(tissue + 5 * grain, 1), 0).astype(dtype)


Image = Callable[..., Any]  # image(shape, dtype="float32")
# Zeros are what a masked head is mostly made of: slow numbers or branches show there alone.
ZERO_BACKGROUND = ", zero background"  # added to the name of a case
IMAGES: dict[str, Image] = {"": noise, ZERO_BACKGROUND: masked_head}


def organs(shape: tuple[int, ...], count: int = 24) -> Any:
    """Return a label map of so many ellipsoids in a body."""
    rng = np.random.default_rng(0)
    z, y, x = np.ogrid[tuple(slice(n) for n in shape)]
    labels = np.zeros(shape, np.uint8)
    for label in range(1, count + 1):
        (cz, cy, cx), (rz, ry, rx) = rng.uniform(0.15, 0.85, 3) * shape, rng.uniform(0.05, 0.18, 3) * shape
        labels[((z - cz) / rz) ** 2 + ((y - cy) / ry) ** 2 + ((x - cx) / rx) ** 2 < 1] = label
    return labels


def class_scores(classes: int, n: int, dtype: str = "float32") -> Any:
    """Return (classes, n, n, n) normal scores, as a network gives them."""
    return np.random.default_rng(0).normal(size=(classes, n, n, n)).astype(dtype)


def displacements(n: int) -> Any:
    """Return (n, n, n, 3) smooth displacements of a few voxels."""
    from scipy.ndimage import zoom

    coarse = np.random.default_rng(1).normal(0, 4, (8, 8, 8, 3))
    return zoom(coarse, (n / 8, n / 8, n / 8, 1), order=1).astype(np.float32)


def rotation(shape: tuple[int, ...], degrees: float = 15) -> Any:
    """Return the 4 x 4 pull matrix of two rotations about the centre of the grid."""
    c, s = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
    matrix = np.eye(4)
    matrix[:3, :3] = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]]) @ [[1, 0, 0], [0, c, -s], [0, s, c]]
    centre = (np.array(shape) - 1) / 2
    matrix[:3, 3] = centre - matrix[:3, :3] @ centre
    return matrix


def soft_ct(shape: tuple[int, ...]) -> Any:
    """Return smoothed noise with the spread of Hounsfield units."""
    from scipy.ndimage import gaussian_filter

    return gaussian_filter(np.random.default_rng(0).normal(0, 1000, shape), 1).astype(np.float32)


def cube(n: int) -> Any:
    """Return three tissues under a smooth field, nowhere 0."""
    i, j, k = np.meshgrid(*[np.linspace(-1, 1, n, dtype=np.float32)] * 3, indexing="ij", sparse=True)
    r = i * i + j * j + k * k
    x = np.where(r < 0.4, 150, np.where(r < 0.8, 100, 50)).astype(np.float32)
    x *= np.exp(0.3 * j - 0.2 * i * k)
    x += np.random.default_rng(0).normal(0, 2, x.shape).astype(np.float32)
    return x


@cache
def template(name: str) -> Any:
    """Return one of nilearn's ICBM 152 images (t1, gm, wm, 1 mm): nibabel's image."""
    import nibabel

    found = find_spec("nilearn")
    if found is None or found.origin is None:
        raise ModuleNotFoundError("the template head comes with nilearn: pip install nilearn")
    file = f"mni_icbm152_{name}_tal_nlin_sym_09a_converted.nii.gz"
    return nibabel.load(Path(found.origin).parent / "datasets" / "data" / file)


def biased_head() -> tuple[Any, Any]:
    """Return the T1 template under a smooth field with noise, and its brain: x is the last axis."""
    x = np.ascontiguousarray(np.asarray(template("t1").dataobj).astype(np.float32).T)
    i, j, k = np.meshgrid(*[np.linspace(-1, 1, n) for n in x.shape], indexing="ij", sparse=True)
    grain = np.random.default_rng(0).normal(0, 2, x.shape)
    x = np.where(x > 0, x * np.exp(0.3 * (0.8 * i + 0.5 * k**2 - 0.6 * i * j)) + grain, 0)
    return x.astype(np.float32), (x > 10).astype(np.uint8)


def stored_head() -> tuple[Any, Any]:
    """Return the T1 template as a scanner stores it, int16 with noise in the last bits, and its affine."""
    image = template("t1")
    stored = np.asarray(image.dataobj).astype(np.int16) * 4
    stored += (np.random.default_rng(0).random(stored.shape) * 3).astype(np.int16)
    return np.asfortranarray(stored), image.affine


def tissue_brain() -> tuple[Any, Any, Any]:
    """Return a brain of one value per tissue, its mask, and the tissue of each voxel: x is the last axis."""
    maps = [np.asarray(template(name).dataobj).T for name in ("t1", "gm", "wm")]
    head, gm, wm = (m.astype(np.float32) / m.max() for m in maps)
    mask = head > 0.05
    tissue = np.where(wm > 0.5, "wm", np.where(gm > 0.5, "gm", "csf"))
    image = np.zeros(mask.shape, np.float32)
    for name, value in TISSUES.items():
        image[mask & (tissue == name)] = value
    return image, mask, tissue


def smooth_field(mask: Any, percent: float) -> Any:
    """Return a field whose values span ``percent`` around 1 inside the mask, as BrainWeb counts it."""
    z, y, x = np.meshgrid(*[np.linspace(-1, 1, n) for n in mask.shape], indexing="ij", sparse=True)
    form = 0.8 * z + 0.5 * x * x - 0.6 * y * z + 0.3 * np.sin(2 * y)
    low, high = form[mask].min(), form[mask].max()
    field = 1 + percent / 100 * ((form - low) / (high - low) - 0.5)
    return np.maximum(field, 0.1).astype(np.float32)


def rician(image: Any, level: float, rng: np.random.Generator) -> Any:
    """Return the image with Rician noise of ``level`` times white matter."""
    real, imaginary = (level * WHITE_MATTER * rng.standard_normal(image.shape, np.float32) for _ in range(2))
    return np.hypot(image + real, imaginary).astype(np.float32)


def ct_series(folder: Path, slices: int, size: int, number: int = 1) -> Path:
    """Write a CT series with the elements a scanner writes and noise in the pixels; return its folder.

    The larger its ``number`` in the study, the brighter it is.
    """
    from pydicom.dataset import FileDataset, FileMetaDataset
    from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

    rng = np.random.default_rng(3)
    y, x = np.mgrid[-1 : 1 : size * 1j, -1 : 1 : size * 1j]
    body = np.where(x**2 + y**2 < 0.7, 30 + 10 * number, -1000)
    series, study, frame = generate_uid(), generate_uid(), generate_uid()
    for k in range(slices):
        meta = FileMetaDataset()
        meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = CTImageStorage, generate_uid()
        meta.TransferSyntaxUID = ExplicitVRLittleEndian
        ds = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
        ds.SOPClassUID, ds.SOPInstanceUID = CTImageStorage, meta.MediaStorageSOPInstanceUID
        ds.SeriesInstanceUID, ds.StudyInstanceUID, ds.FrameOfReferenceUID = series, study, frame
        ds.Modality, ds.Manufacturer, ds.PatientName, ds.PatientID = "CT", "benchmark", "Made^Up", "0"
        ds.StudyDate, ds.StudyTime, ds.AcquisitionDate = "20260101", "120000", "20260101"
        ds.SeriesNumber, ds.InstanceNumber, ds.SliceThickness, ds.KVP = number, k + 1, 1.0, 120
        ds.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
        ds.ImagePositionPatient = [-179.5, -179.5, float(k)]
        ds.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
        ds.PixelSpacing, ds.Rows, ds.Columns = [0.7, 0.7], size, size
        ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
        ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 16, 16, 15, 1
        ds.RescaleIntercept, ds.RescaleSlope, ds.RescaleType = -1024, 1, "HU"
        ds.PixelData = (body + 1024 + rng.normal(0, 20, body.shape)).astype("<i2").tobytes()
        ds.save_as(folder / f"{k:04d}.dcm", enforce_file_format=True)
    return folder
