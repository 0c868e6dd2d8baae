# SPDX-License-Identifier: Apache-2.0
"""Cases of loading and saving: a made CT series, a real one if given, NIfTI files of a head.

``VOXKERN_BENCH_SERIES`` names the folder or zip of a real series with one slope for all slices.
"""

import atexit
import io
import os
import shutil
import subprocess
import tempfile
import zipfile
from collections.abc import Callable, Iterable
from functools import cache, partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

import numpy as np

import voxkern as vk
from benchmarks.phantoms import ct_series, noise, stored_head

from .case import Build, Call, Case, by_default

TITLE = "Loading and saving"
ONE_THREAD = ("SimpleITK", "pydicom", "nibabel")  # readers without threads


@cache
def workplace() -> Path:
    """Return a folder that lives as long as the process."""
    folder = Path(tempfile.mkdtemp())
    atexit.register(shutil.rmtree, folder)
    return folder


@cache
def made_series(slices: int, size: int) -> Path:
    folder = workplace() / f"ct{slices}x{size}"
    folder.mkdir()
    return ct_series(folder, slices, size)


@cache
def real_series(source: Path) -> Path:
    if source.suffix != ".zip":
        return source
    with zipfile.ZipFile(source) as archive:
        archive.extractall(workplace() / "real")
    return workplace() / "real"


def by_simpleitk(folder: Path) -> Any:
    import SimpleITK as sitk

    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(folder)))
    return reader.Execute()


def by_pydicom(files: Iterable[Any]) -> Any:
    """Load paths or open files as tutorials do: read, sort along the normal, stack, scale."""
    import pydicom

    slices = [pydicom.dcmread(file) for file in files]
    normal = np.cross(*np.array(slices[0].ImageOrientationPatient, float).reshape(2, 3))
    slices.sort(key=lambda s: float(normal @ np.array(s.ImagePositionPatient, float)))
    volume = np.stack([s.pixel_array for s in slices])
    slope, intercept = float(slices[0].RescaleSlope), float(slices[0].RescaleIntercept)
    if slope != 1.0:
        return volume.astype(np.float32) * np.float32(slope) + np.float32(intercept)
    return volume + np.int16(intercept) if intercept else volume


def series(source: Callable[[], Path]) -> Case:
    """Load a folder of DICOM files, one per slice."""
    folder = source()
    want = by_pydicom(folder.iterdir())

    def result(loaded: Any) -> Any:
        if type(loaded).__module__.startswith("SimpleITK"):
            import SimpleITK as sitk

            array = sitk.GetArrayFromImage(loaded)
            # ITK may sort the slices from the other end.
            return array if np.allclose(array[0], want[0], rtol=1e-4) else array[::-1]
        return np.asarray(loaded)

    return Case(
        size=f"{len(want)} slices of {want.shape[1]}x{want.shape[2]}",
        ours=by_default(lambda: vk.load(folder)),
        want=lambda: want,
        peers={
            "SimpleITK ImageSeriesReader": lambda _: lambda: by_simpleitk(folder),
            "pydicom and np.stack": lambda _: lambda: by_pydicom(folder.iterdir()),
        },
        result=result,
        one_thread=ONE_THREAD,
    )


@cache
def zipped_series(folder: Path) -> Path:
    path = workplace() / f"{folder.name}.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in folder.iterdir():
            archive.write(file, file.name)
    return path


def zipped(source: Callable[[], Path]) -> Case:
    """Load the files of a series out of a zip archive."""
    folder = source()
    path = zipped_series(folder)
    want = by_pydicom(folder.iterdir())

    def unpacked() -> Any:
        with zipfile.ZipFile(path) as archive:
            return by_pydicom(io.BytesIO(archive.read(name)) for name in archive.namelist())

    return Case(
        size=f"{len(want)} slices of {want.shape[1]}x{want.shape[2]}",
        ours=by_default(lambda: vk.load(path)),
        want=lambda: want,
        peers={
            "pydicom after zipfile": lambda _: unpacked,
            "voxkern on the folder": lambda _: lambda: vk.load(folder),
        },
        result=np.asarray,
        one_thread=ONE_THREAD,
    )


@cache
def made_study(series: int, slices: int, size: int) -> Path:
    folder = workplace() / f"study{series}"
    for k in range(series):
        (folder / f"{k:02d}").mkdir(parents=True)
        ct_series(folder / f"{k:02d}", slices, size, number=k + 1)
    return folder


def study(source: Callable[[], Path]) -> Case:
    """Load every series of a study; each is brighter than the one before, which tells them apart."""
    folder = source()
    parts = sorted(folder.iterdir())

    def ours() -> Any:
        opened = vk.open_study(folder)
        return [vk.load(opened, series=info.uid).data for info in opened]

    def by_parts() -> Any:
        return [by_pydicom(part.iterdir()) for part in parts]

    def converted() -> Any:
        import dcm2niix

        out = Path(tempfile.mkdtemp(dir=workplace()))  # removed at the end, not while a clock runs
        command = [dcm2niix.bin, "-z", "n", "-b", "n", "-o", str(out), str(folder)]
        subprocess.run(command, check=True, capture_output=True)
        return [vk.reorient(vk.load(path), "SPL").data for path in out.iterdir()]  # maps of the files

    want = np.stack(by_parts())
    peers = {"pydicom and np.stack": lambda _: by_parts}
    if find_spec("dcm2niix"):
        peers["dcm2niix without compression"] = lambda _: converted
    return Case(
        size=f"{len(want)} x {want.shape[1]} slices of {want.shape[2]}x{want.shape[3]}",
        ours=by_default(ours),
        want=lambda: want,
        peers=peers,
        result=lambda volumes: np.stack(sorted(volumes, key=np.mean)),
        one_thread=(*ONE_THREAD, "dcm2niix"),
    )


def one_of_a_study(source: Callable[[], Path]) -> Case:
    """Load one series of an open study; beside it, the same series alone and out of the folder of all."""
    folder = source()
    part = sorted(folder.iterdir())[0]
    want, opened = by_pydicom(part.iterdir()), vk.open_study(folder)
    (info,) = vk.list_series(part)
    return Case(
        size=f"{len(want)} slices of {want.shape[1]}x{want.shape[2]}, of {len(opened)} series",
        ours=by_default(lambda: vk.load(opened, series=info.uid)),
        want=lambda: want,
        peers={
            "voxkern on the series alone": lambda _: lambda: vk.load(part),
            "voxkern on the folder of all": lambda _: lambda: vk.load(folder, series=info.uid),
        },
        result=np.asarray,
        one_thread=ONE_THREAD,
    )


def stored(quick: bool) -> tuple[Any, Any]:
    data, affine = stored_head()
    return (np.asfortranarray(data[::4, ::4, ::4]), affine) if quick else (data, affine)


def nifti(path: Path) -> Case:
    """Load a file; the largest part of one without compression is `rescale`."""
    import nibabel

    def by_itk() -> Any:
        import SimpleITK as sitk

        return sitk.ReadImage(str(path))

    def by_nibabel() -> Any:
        return np.asanyarray(nibabel.load(path).dataobj)

    def result(loaded: Any) -> Any:
        if type(loaded).__module__.startswith("SimpleITK"):
            import SimpleITK as sitk

            return sitk.GetArrayFromImage(loaded).T  # ITK's arrays have x last
        return np.asarray(loaded)

    return Case(
        size=f"{'x'.join(map(str, nibabel.load(path).shape))} int16",
        ours=by_default(lambda: vk.load(path)),
        want=by_nibabel,
        peers={"nibabel": lambda _: by_nibabel, "SimpleITK": lambda _: by_itk},
        result=result,
        one_thread=ONE_THREAD,
    )


def compressed(slope: bool, quick: bool) -> Case:
    """Load a file compressed by zlib; with a slope, as dcm2niix writes for Philips."""
    import nibabel

    data, affine = stored(quick)
    path = workplace() / f"slope{slope:d}.nii.gz"
    image = nibabel.Nifti1Image(data * np.float32(133.7) if slope else data, affine)
    image.set_data_dtype(np.int16)
    nibabel.save(image, path)
    return nifti(path)


def plain(byte_order: str, slope: float, intercept: float, quick: bool) -> Case:
    """Load a file without compression from the page cache."""
    import nibabel

    values = noise((4, 64, 64) if quick else (32, 512, 512), "int16")
    header = nibabel.Nifti1Header(endianness=byte_order)
    header.set_data_dtype(np.int16)
    image = nibabel.Nifti1Image(values, np.eye(4), header)
    image.header.set_slope_inter(slope, intercept)
    path = workplace() / f"plain{'<>'.index(byte_order)}{slope}.nii"
    nibabel.save(image, path)
    return nifti(path)


def saved(quick: bool) -> Case:
    """Load a file that voxkern saved, whose chunks threads unpack."""
    return nifti(vk.save(vk.Volume(*stored(quick)), workplace() / "own.nii.gz"))


def save(order: Literal["C", "F"], quick: bool) -> Case:
    """Save a volume that lies in memory like the file, or the other way round as one of DICOM does."""
    import nibabel

    data, affine = stored(quick)
    data = np.array(data, order=order)
    volume, path = vk.Volume(data, affine), workplace() / "saved.nii.gz"

    def with_nibabel(_: int) -> Call:
        image = nibabel.Nifti1Image(data, affine)
        return lambda: nibabel.save(image, path)

    return Case(
        size=f"{'x'.join(map(str, data.shape))} int16",
        ours=by_default(lambda: vk.save(volume, path)),
        want=lambda: data,
        peers={"nibabel": with_nibabel},
        tolerance=0.0,
        result=lambda _: np.asanyarray(nibabel.load(path).dataobj),  # the file just written
        one_thread=ONE_THREAD,
    )


def cases(quick: bool, slow: bool) -> dict[str, Build]:
    """Return name -> builder."""
    made = partial(made_series, *((12, 64) if quick else (300, 512)))
    found: dict[str, Build] = {"load made CT series": partial(series, made)}
    real = os.environ.get("VOXKERN_BENCH_SERIES")
    if real and not quick:
        found["load real series"] = partial(series, partial(real_series, Path(real)))
    found["load zipped CT series"] = partial(zipped, made)
    small = partial(made_series, *((12, 32) if quick else (1000, 64)))
    found["load zipped small slices"] = partial(zipped, small)
    whole = partial(made_study, *((3, 6, 32) if quick else (13, 60, 128)))
    found["load CT study"] = partial(study, whole)
    found["load one series of a study"] = partial(one_of_a_study, whole)
    found["load .nii with an intercept"] = partial(plain, "<", 1.0, -1024.0, quick)
    found["load .nii with a slope"] = partial(plain, "<", 0.37, 1.5, quick)
    found["load .nii, big-endian"] = partial(plain, ">", 1.0, 0.0, quick)
    if find_spec("nilearn"):  # the head
        found["load .nii.gz"] = partial(compressed, False, quick)
        found["load .nii.gz with a slope"] = partial(compressed, True, quick)
        found["load .nii.gz of voxkern"] = partial(saved, quick)
        found["save .nii.gz"] = partial(save, "F", quick)
        found["save .nii.gz, last axis fastest"] = partial(save, "C", quick)
    return found
