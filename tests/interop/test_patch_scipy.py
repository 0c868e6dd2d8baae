# SPDX-License-Identifier: Apache-2.0
"""Functions of other libraries that call scipy.ndimage give their own answers while `patch_scipy` stands."""

import collections
import functools

import numpy as np
import pytest

import voxkern as vk
from voxkern import ndimage

pytest.importorskip("skimage")
pytest.importorskip("monai")
import batchgenerators.augmentations.spatial_transformations as spatial
import monai.transforms
import nibabel
import nibabel.processing
import nilearn.image
from skimage import feature, filters, measure, registration, restoration, segmentation, transform, util

PLANE = np.random.default_rng(1).random((40, 47))
BODY = np.random.default_rng(2).random((18, 20, 23))
for _ in range(2):  # smooth enough for edges and blobs
    PLANE = (PLANE + np.roll(PLANE, 1, 0) + np.roll(PLANE, 1, 1)) / 3
    BODY = (BODY + np.roll(BODY, 1, 0) + np.roll(BODY, 1, 2)) / 3
TURN = transform.AffineTransform(rotation=0.2, translation=(3, -2)).params
COORDINATES = np.indices((10, 11, 12)) * 1.5 + 0.25

PLACE = np.diag([1.5, 1, 0.8, 1])

# (function of scipy.ndimage that it calls, image, call)
SKIMAGE = {
    "gaussian": ("gaussian_filter", BODY, lambda x: filters.gaussian(x, 1.5)),
    "gaussian, channels": ("gaussian_filter", BODY, lambda x: filters.gaussian(x, 1, channel_axis=-1)),
    "unsharp_mask": ("gaussian_filter", BODY, lambda x: filters.unsharp_mask(x, 2, 1.5)),
    "difference_of_gaussians": ("gaussian_filter", BODY, lambda x: filters.difference_of_gaussians(x, 1, 3)),
    "median": ("median_filter", BODY, lambda x: filters.median(x)),
    "median, footprint": ("median_filter", PLANE, lambda x: filters.median(x, np.ones((5, 3)))),
    "sobel": ("convolve", BODY, lambda x: filters.sobel(x)),
    "prewitt": ("convolve", BODY, lambda x: filters.prewitt(x)),
    "scharr": ("convolve", PLANE, lambda x: filters.scharr(x, axis=1)),
    "farid": ("convolve", BODY, lambda x: filters.farid(x)),
    "roberts": ("convolve", PLANE, lambda x: filters.roberts(x)),
    "laplace": ("convolve", PLANE, lambda x: filters.laplace(x)),
    "gabor": ("convolve", PLANE, lambda x: np.asarray(filters.gabor(x, 0.2))),
    "threshold_local": ("gaussian_filter", PLANE, lambda x: filters.threshold_local(x, 7)),
    "threshold_local, mean": ("uniform_filter", PLANE, lambda x: filters.threshold_local(x, 7, "mean")),
    "threshold_local, median": ("median_filter", PLANE, lambda x: filters.threshold_local(x, 7, "median")),
    "threshold_minimum": ("uniform_filter1d", PLANE**2, lambda x: filters.threshold_minimum(x)),
    "frangi": ("gaussian_filter", BODY, lambda x: filters.frangi(x, (1, 2))),
    "sato": ("gaussian_filter", BODY, lambda x: filters.sato(x, (1, 2))),
    "meijering": ("gaussian_filter", PLANE, lambda x: filters.meijering(x, (1, 2))),
    "hessian": ("gaussian_filter", PLANE, lambda x: filters.hessian(x, (1, 2))),
    "hessian_matrix": (
        "gaussian_filter",
        BODY,
        lambda x: np.asarray(feature.hessian_matrix(x, 1.5, use_gaussian_derivatives=True)),
    ),
    "structure_tensor": ("sobel", BODY, lambda x: np.asarray(feature.structure_tensor(x, 1))),
    "corner_harris": ("sobel", PLANE, lambda x: feature.corner_harris(x)),
    "shape_index": ("gaussian_filter", PLANE, lambda x: feature.shape_index(x)),
    "canny": ("sobel", PLANE, lambda x: feature.canny(x, 1.5)),
    "blob_log": ("gaussian_laplace", PLANE, lambda x: feature.blob_log(x, max_sigma=4, threshold=0.02)),
    "blob_dog": ("gaussian_filter", PLANE, lambda x: feature.blob_dog(x, max_sigma=4, threshold=0.02)),
    "peak_local_max": ("maximum_filter", BODY, lambda x: feature.peak_local_max(x, min_distance=2)),
    "censure": ("minimum_filter", PLANE, lambda x: detected(feature.CENSURE(), x)),
    "blur_effect": ("uniform_filter1d", PLANE, lambda x: measure.blur_effect(x)),
    "structural_similarity": ("uniform_filter", BODY, lambda x: metric(x, x[::-1])),
    "resize": ("zoom", BODY, lambda x: transform.resize(x, (25, 14, 30), order=3, mode="edge")),
    "resize, antialiased": ("gaussian_filter", BODY, lambda x: transform.resize(x, (9, 10, 11))),
    "rescale": ("zoom", BODY, lambda x: transform.rescale(x, 1.4, order=1)),
    "rotate": (None, PLANE, lambda x: transform.rotate(x, 20, order=3)),
    "warp": (None, PLANE, lambda x: transform.warp(x, TURN, order=1)),
    "warp, coordinates": ("map_coordinates", BODY, lambda x: transform.warp(x, COORDINATES, order=3)),
    "pyramid": ("gaussian_filter", PLANE, lambda x: list(transform.pyramid_gaussian(x, 2))[2]),
    "optical_flow_ilk": ("gaussian_filter", PLANE, lambda x: registration.optical_flow_ilk(x, x[::-1])),
    "wiener": (None, PLANE, lambda x: restoration.wiener(x, np.ones((3, 3)) / 9, 0.1)),
    "inverse_gaussian_gradient": (
        "gaussian_gradient_magnitude",
        BODY,
        lambda x: segmentation.inverse_gaussian_gradient(x),
    ),
    "slic": ("gaussian_filter", BODY, lambda x: segmentation.slic(x, 20, sigma=1, channel_axis=None)),
}


OTHERS = {
    "nilearn, smooth_img": (
        "gaussian_filter1d",
        BODY,
        lambda x: values(nilearn.image.smooth_img(scan(x), 4)),
    ),
    "nilearn, resample_img": ("affine_transform", BODY, lambda x: values(onto(scan(x), np.eye(3) * 1.2))),
    "nibabel, resample": ("affine_transform", BODY, lambda x: values(nibabel.processing.conform(scan(x)))),
    "nibabel, smooth": (
        "gaussian_filter",
        BODY,
        lambda x: values(nibabel.processing.smooth_image(scan(x), 3)),
    ),
    "batchgenerators": ("map_coordinates", BODY, lambda x: spatial.interpolate_img(x, COORDINATES)),
    "MONAI, splines": ("map_coordinates", BODY, lambda x: turned(x)),
}
REPEATED = {"shape_index", "optical_flow_ilk"}  # differences of results are divided: rounding grows


def scan(x):
    return nibabel.Nifti1Image(x, PLACE)


def values(image):
    return np.asanyarray(image.dataobj)


def onto(image, affine):
    return nilearn.image.resample_img(image, affine, interpolation="continuous")


def turned(x):
    turn = monai.transforms.Affine(
        rotate_params=(0.1, 0.2, 0.3), mode=3, padding_mode="nearest", image_only=True
    )
    return np.asarray(turn(x[None]))


def detected(detector, x):
    detector.detect(x)
    return detector.keypoints


def metric(a, b):
    from skimage.metrics import structural_similarity

    return structural_similarity(a, b, data_range=1)


@pytest.fixture
def calls(monkeypatch):
    """Count the calls of our functions that give an answer."""
    answers = collections.Counter()

    def counted(function):
        @functools.wraps(function)
        def call(*args, **kwargs):
            result = function(*args, **kwargs)
            answers[function.__name__] += 1
            return result

        return call

    for name in ndimage.__all__:
        monkeypatch.setattr(ndimage, name, counted(getattr(ndimage, name)))
    return answers


@pytest.mark.parametrize("dtype", ["float64", "float32", "uint8"])
@pytest.mark.parametrize("name", [*SKIMAGE, *OTHERS])
@pytest.mark.filterwarnings("ignore")
def test_answers(calls, name, dtype):
    called, image, function = (SKIMAGE | OTHERS)[name]
    image = util.img_as_ubyte(image) if dtype == "uint8" else image.astype(dtype)
    want = np.asarray(function(image))
    with vk.patch_scipy():
        found = np.asarray(function(image))
    assert calls[called] > 0 or called not in ndimage.__all__
    assert found.dtype == want.dtype and found.shape == want.shape
    if want.dtype.kind in "iub":
        np.testing.assert_array_equal(found, want)
        return
    single = "float32" in (dtype, want.dtype)
    error = (2e-6 if single else 1e-12) * (5 if name in REPEATED else 1)
    np.testing.assert_allclose(found, want, rtol=0, atol=error * max(np.ptp(want), np.abs(want).max()))
