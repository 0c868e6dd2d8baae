# SPDX-License-Identifier: Apache-2.0
"""``voxkern bench``: how long everyday jobs take here, and what the peers take that are installed.

A job is done by voxkern and by one peer with the same threads, in turns, so that a slow moment of the machine
hits both. The shortest time of each counts. The repository's own benchmarks (``python -m benchmarks.peers``)
have many more cases, references and limits of the machine.
"""

from __future__ import annotations

import importlib
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import ndimage, nn
from .._ops.intensity import zscore
from .._ops.n4 import n4_bias_field_correction
from .._runtime.config import get_num_threads
from .._runtime.errors import ArgumentError, MissingPackageError
from .._space.volume import Volume
from ..io import load, save

Call = Callable[[], Any]
_SMALLEST = 16
_ITERATIONS = (15, 15)


@dataclass(frozen=True)
class Row:
    """A line of the table; times in milliseconds, None where the peer is not installed."""

    job: str
    peer: str
    voxkern_ms: float
    peer_ms: float | None
    ratio: float | None
    difference: float | None  # the largest one, by the range of the peer's result


class _Data:
    """What the jobs work on, made once: a body with tissues, a shading and noise, of edge ``n``."""

    def __init__(self, n: int, threads: int, folder: Path) -> None:
        z, y, x = np.ogrid[tuple(slice(-1, 1, n * 1j) for _ in range(3))]
        self.n, self.threads, self.folder = n, threads, folder
        self.body: NDArray[np.bool_] = z * z + y * y + x * x < 0.7
        tissue = np.where(np.sin(12 * z) + np.sin(10 * y) + np.sin(11 * x) > 0.3, 150.0, 100.0)
        noise = np.random.default_rng(0).normal(0.0, 4.0, (n, n, n))
        shaded = np.where(self.body, (tissue + noise) * np.exp(0.2 * y + 0.1 * x * z), np.abs(noise))
        self.scan = shaded.astype(np.float32)
        self.bright: NDArray[np.bool_] = self.scan > 120
        self.volume = Volume((self.scan * 8).astype(np.int16), np.eye(4))


# A job of the data: our call, and what makes the peer's call of the peer's module.
Job = Callable[[_Data], tuple[Call, Callable[[Any], Call]]]


def _scipy(name: str, of: str, *args: Any, **options: Any) -> Job:
    """Return a job that is one function of scipy.ndimage."""

    def job(data: _Data) -> tuple[Call, Callable[[Any], Call]]:
        x, ours = getattr(data, of), getattr(ndimage, name)
        return (
            lambda: ours(x, *args, **options, threads=data.threads),
            lambda peer: lambda: getattr(peer, name)(x, *args, **options),
        )

    return job


def _n4(data: _Data) -> tuple[Call, Callable[[Any], Call]]:
    scan, body = data.scan[::2, ::2, ::2].copy(), data.body[::2, ::2, ::2].astype(np.uint8)

    def connect(sitk: Any) -> Call:
        n4 = sitk.N4BiasFieldCorrectionImageFilter()
        n4.SetMaximumNumberOfIterations(_ITERATIONS)
        n4.SetNumberOfThreads(data.threads)
        images = sitk.GetImageFromArray(scan), sitk.GetImageFromArray(body)
        return lambda: sitk.GetArrayFromImage(n4.Execute(*images))

    def ours() -> Any:
        return n4_bias_field_correction(
            scan, body, maximum_number_of_iterations=_ITERATIONS, threads=data.threads
        )

    return ours, connect


def _components(data: _Data) -> tuple[Call, Callable[[Any], Call]]:
    structure = np.ones((3, 3, 3))
    return (
        lambda: ndimage.label(data.bright, structure, threads=data.threads)[0],
        lambda cc3d: lambda: cc3d.connected_components(data.bright),
    )


def _distance(data: _Data) -> tuple[Call, Callable[[Any], Call]]:
    return (
        lambda: ndimage.distance_transform_edt(data.body, threads=data.threads),
        lambda edt: lambda: edt.edt(data.body, parallel=data.threads),
    )


def _convolution(data: _Data) -> tuple[Call, Callable[[Any], Call]]:
    rng, n = np.random.default_rng(0), data.n // 2
    x = rng.standard_normal((1, 32, n, n, n), np.float32)
    weight = rng.standard_normal((32, 32, 3, 3, 3), np.float32)

    def connect(torch: Any) -> Call:
        torch.set_num_threads(data.threads)
        tensors = torch.from_numpy(x), torch.from_numpy(weight)
        return lambda: torch.nn.functional.conv3d(*tensors, padding=1).numpy()

    return lambda: nn.conv3d(x, weight, padding=1, threads=data.threads), connect


def _zscore(data: _Data) -> tuple[Call, Callable[[Any], Call]]:
    def by_numpy() -> Any:
        inside = data.scan[data.body]
        return np.where(data.body, (data.scan - inside.mean()) / inside.std(), np.float32(0))

    return lambda: zscore(data.scan, data.body, threads=data.threads), lambda _: by_numpy


def _load(data: _Data) -> tuple[Call, Callable[[Any], Call]]:
    path = save(data.volume, data.folder / "scan.nii.gz")
    return (
        lambda: load(path).data,
        lambda nibabel: lambda: np.asanyarray(nibabel.load(path).dataobj),
    )


def _save(data: _Data) -> tuple[Call, Callable[[Any], Call]]:
    ours, theirs = data.folder / "scan.nii.gz", data.folder / "peer.nii.gz"
    return (
        lambda: save(data.volume, ours),
        lambda nibabel: lambda: nibabel.save(data.volume.to_nibabel(), theirs),
    )


_JOBS: tuple[tuple[str, str, Job], ...] = (
    ("zoom by 1.25, cubic", "scipy.ndimage", _scipy("zoom", "scan", 1.25, mode="nearest")),
    ("rotate by 10 degrees, linear", "scipy.ndimage", _scipy("rotate", "scan", 10, reshape=False, order=1)),
    ("gaussian filter, sigma 2", "scipy.ndimage", _scipy("gaussian_filter", "scan", 2.0)),
    ("median filter, 3 x 3 x 3", "scipy.ndimage", _scipy("median_filter", "scan", 3)),
    ("binary erosion, 3 times", "scipy.ndimage", _scipy("binary_erosion", "bright", iterations=3)),
    ("distance transform", "scipy.ndimage", _scipy("distance_transform_edt", "body")),
    ("distance transform", "edt", _distance),
    ("connected components", "cc3d", _components),
    ("z-score in a mask", "numpy", _zscore),
    ("N4, half the edge, 15 + 15 steps", "SimpleITK", _n4),
    ("conv3d, 32 channels, half the edge", "torch", _convolution),
    ("load .nii.gz", "nibabel", _load),
    ("save .nii.gz", "nibabel", _save),
)


def run(size: int, seconds: float, threads: int | None) -> Iterator[Row]:
    """Yield the rows, each as soon as it is measured; all of them take about ``seconds``."""
    if size < _SMALLEST:
        raise ArgumentError(f"size: got {size}, allowed at least {_SMALLEST}")
    if not seconds > 0:
        raise ArgumentError(f"seconds: got {seconds}, allowed above 0")
    with tempfile.TemporaryDirectory() as folder:
        data = _Data(size, threads or get_num_threads(), Path(folder))
        for name, package, job in _JOBS:
            with suppress(MissingPackageError):  # nibabel, for both sides
                yield _measured(name, package, job(data), seconds / len(_JOBS))


def _measured(name: str, package: str, job: tuple[Call, Callable[[Any], Call]], seconds: float) -> Row:
    ours, connect = job
    calls = {"voxkern": ours}
    if find_spec(package.partition(".")[0]) is not None:
        calls[package] = connect(importlib.import_module(package))
    results = {who: call() for who, call in calls.items()}  # and the first call of each does not count
    best = dict.fromkeys(calls, float("inf"))
    end = time.perf_counter() + seconds
    while True:
        for who, call in calls.items():
            begin = time.perf_counter()
            call()
            best[who] = min(best[who], time.perf_counter() - begin)
        if time.perf_counter() > end:
            break
    mine, other = best["voxkern"], best.get(package)
    return Row(
        name,
        package,
        mine * 1e3,
        None if other is None else other * 1e3,
        None if other is None else other / mine,
        _difference(results["voxkern"], results.get(package)),
    )


def _difference(ours: Any, theirs: Any) -> float | None:
    """Return the largest difference by the range of the peer's result; None where there is no result."""
    if not isinstance(theirs, np.ndarray):
        return None
    want = theirs.astype(np.float64)
    if theirs.dtype.kind in "iu" and ours.dtype != theirs.dtype:  # numbers of components: any order will do
        return float(ours.max() != theirs.max())
    return float(np.abs(ours - want).max() / (np.ptp(want) or 1.0))


def line(row: Row | None) -> str:
    """Return a row as text; None: the heads of the columns."""
    if row is None:
        return f"{'job':<36} {'voxkern':>10}   {'peer':<14} {'peer':>10} {'faster':>8} {'difference':>11}"
    start = f"{row.job:<36} {row.voxkern_ms:7.2f} ms   {row.peer:<14}"
    if row.peer_ms is None:
        return f"{start} not installed"
    difference = "" if row.difference is None else f"{row.difference:11.1e}"
    return f"{start} {row.peer_ms:7.2f} ms {row.ratio:7.1f}x {difference}".rstrip()
