# SPDX-License-Identifier: Apache-2.0
"""Cases of correlation with weights of several axes, beside scipy and torch's layer of one channel."""

from functools import partial
from typing import Any, NamedTuple

import numpy as np
import scipy.fft
import scipy.ndimage as scipy_ndimage
from scipy.signal import fftconvolve

import voxkern as vk
from benchmarks.phantoms import IMAGES, Image

from .case import ONE_THREAD, Build, Call, Case, size_of, torch

TITLE = "Correlation"


class Job(NamedTuple):
    """Weights, and the image they are applied to."""

    size: int
    axes: int = 3
    n: int = 256
    dtype: str = "float32"
    separable: bool = False


JOBS = {
    "convolve 3^3": Job(3),
    "convolve 5^3": Job(5),
    "convolve 7^3": Job(7),
    "convolve 5^3 separable": Job(5, separable=True),
    "convolve 9^3 separable": Job(9, separable=True),
    "convolve 5^3 float64": Job(5, dtype="float64"),
    "convolve 3^3 int16": Job(3, dtype="int16"),
    "convolve 5^3 int16": Job(5, dtype="int16"),
    "convolve 2-D 5^2": Job(5, 2, 2048),
    "convolve 2-D 11^2": Job(11, 2, 2048),
    "convolve 11^3": Job(11, n=128),
    "convolve 15^3": Job(15, n=128),
    "convolve 15^3 float64": Job(15, n=128, dtype="float64"),
    "convolve 31^3": Job(31, n=128),
    "convolve 2-D 101^2": Job(101, 2, 2048),
}
# Taps: with more, SciPy's ndimage takes minutes and its answer comes from a Fourier transform.
LARGE = 1000
MOST_OF_TORCH = 15**3  # with more, torch takes minutes


def weights(job: Job) -> Any:
    """Return weights whose sum is 1, as a Gaussian's or at random."""
    if job.separable:
        line = np.exp(-0.5 * (np.arange(job.size) - job.size // 2) ** 2)
        w = line
        for _ in range(job.axes - 1):
            w = np.multiply.outer(w, line)
    else:
        w = np.random.default_rng(1).random((job.size,) * job.axes)
    return w / w.sum()


def by_fourier(x: Any, w: Any, threads: int) -> Any:
    """Return what convolve does, by transforms of the whole padded image."""
    padded = np.pad(x, [(w.shape[0] // 2,) * 2] * x.ndim, mode="symmetric")
    with scipy.fft.set_workers(threads):
        return fftconvolve(padded, w.astype(x.dtype), mode="valid")


def convolve(job: Job, image: Image, n: int) -> Case:
    x = image((n,) * job.axes, job.dtype)
    w = weights(job)
    exact = x.astype(np.float64) if x.dtype == np.float32 else x  # filters of integers truncate

    def by_torch(threads: int) -> Call:
        library = torch(threads)
        functional = library.nn.functional
        layer = functional.conv3d if job.axes == 3 else functional.conv2d
        picture = library.from_numpy(x)[None, None]
        kernel = library.from_numpy(np.flip(w).astype(x.dtype))[None, None]
        return lambda: layer(picture, kernel, padding=job.size // 2)  # zeros beyond the edges

    large = w.size > LARGE
    with_torch = x.dtype == np.float32 and not job.separable and w.size <= MOST_OF_TORCH
    if large:
        of_scipy = {"scipy fftconvolve": lambda threads: lambda: by_fourier(x, w, threads)}
    else:
        of_scipy = {"scipy": lambda _: lambda: scipy_ndimage.convolve(x, w)}
    return Case(
        size=size_of(x.shape, dtype=x.dtype),
        ours=lambda threads: vk.ndimage.convolve(x, w, threads=threads),
        want=lambda: by_fourier(exact, w, 1) if large else scipy_ndimage.convolve(exact, w),
        peers=of_scipy | ({"torch": by_torch} if with_torch else {}),
        moved=2 * x.nbytes,
        tolerance=1e-4 if large else 1e-5,  # of the range: means of so many samples differ by little
        one_thread=() if large else ONE_THREAD,
    )


def cases(quick: bool, slow: bool) -> dict[str, Build]:
    """Return name -> builder."""
    return {
        name + background: partial(convolve, job, image, 48 if quick else job.n)
        for background, image in IMAGES.items()
        for name, job in JOBS.items()
        if not background or (job.axes == 3 and job.dtype == "float32")
    }
