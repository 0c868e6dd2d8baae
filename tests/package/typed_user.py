# SPDX-License-Identifier: Apache-2.0
"""A user's script as type checkers see it: never Any. `mypy --strict` and pyright read it; nobody runs it."""

from typing import Any, assert_type

import numpy as np
from numpy.typing import NDArray

import voxkern as vk

v: vk.Volume = vk.Volume(np.zeros((4, 5, 6)), np.eye(4))
a: NDArray[np.int16] = np.zeros((4, 5, 6), np.int16)
f: NDArray[np.float32] = np.zeros((4, 5, 6, 3), np.float32)

assert_type(vk.resample(v, spacing=1.0), vk.Volume)
assert_type(vk.resample(a, shape=5, order="cubic"), NDArray[Any])
assert_type(vk.resample(v, spacing=1.0, dtype="f4"), vk.Volume)
assert_type(vk.resample_labels(v, spacing=1.0), vk.Volume)
assert_type(vk.resample_argmax(f, shape=5), NDArray[Any])
assert_type(vk.zscore(v), vk.Volume)
assert_type(vk.zscore(a, mask=a), NDArray[Any])
assert_type(vk.window(v, 0, 1), vk.Volume)
assert_type(vk.window(v, center=0, width=1, offset=-0.25), vk.Volume)
assert_type(vk.window_to_uint8(a, 0, 1, threads=2), NDArray[Any])
assert_type(vk.clip_percentiles(v, 1, 99), vk.Volume)
assert_type(vk.clip_percentiles(v, return_limits=True), tuple[vk.Volume, tuple[float, float]])
assert_type(vk.crop_to_nonzero(v), vk.Volume)
assert_type(vk.crop_to_nonzero(a, return_box=True), tuple[NDArray[Any], tuple[slice, ...]])
assert_type(vk.bounding_box(a), tuple[slice, ...])
assert_type(vk.otsu(v), float)
assert_type(vk.dice(a, a), float)
assert_type(vk.dice(v, v, labels="all"), dict[int, float])
assert_type(vk.hausdorff_distance(v, v, 95), float)
assert_type(vk.hausdorff_distance(v, v, 95, [1, 2]), dict[int, float])
assert_type(vk.hausdorff_distance(v, v, labels="all"), dict[int, float])
assert_type(vk.mean_surface_distance(a, a, "all", spacing=2.0), dict[int, float])
assert_type(vk.gaussian(v, 1.0), vk.Volume)
assert_type(vk.hessian_eigenvalues(a, 1.0, spacing=2.0), NDArray[Any])
assert_type(vk.vesselness(v, (1.0, 2.0), gamma=5.0), vk.Volume)
assert_type(vk.warp(v, f), vk.Volume)
assert_type(vk.warp(a, f, return_gradient=True), tuple[NDArray[Any], NDArray[Any]])
assert_type(vk.push(a, f, like=v), vk.Volume)
assert_type(vk.n4_bias_field_correction(v, "otsu", shrink_factor=4), vk.Volume)
assert_type(vk.n4_bias_field_correction(a, return_field=True), tuple[NDArray[Any], NDArray[Any]])
vk.resample([1, 2, 3], shape=5)
assert_type(vk.resample(x=v, spacing=1.0), vk.Volume)
assert_type(vk.resample_labels(x=a, shape=5, rule="half"), NDArray[Any])
assert_type(vk.resample_argmax(logits=f, shape=5), NDArray[Any])
assert_type(vk.zscore(x=v, mask=a), vk.Volume)
assert_type(vk.zscore(v, a), vk.Volume)
assert_type(vk.window(x=v, low=0, high=1), vk.Volume)
assert_type(vk.warp(x=v, displacement=f), vk.Volume)
assert_type(vk.n4_bias_field_correction(x=v, mask=a), vk.Volume)
vk.window(v, 0, 1, 2)  # type: ignore[call-overload]
vk.resample_argmax(f, matrix=f)  # type: ignore[call-overload]
vk.resample(v, spacnig=1.0)  # type: ignore[call-overload]
vk.n4_bias_field_correction(v, shrink=4)  # type: ignore[call-overload]

# files
scan = vk.load("scan.nii.gz", missing="drop", dtype=None)
assert_type(scan, vk.Volume)
assert_type(vk.load("scans", return_padding=True), tuple[vk.Volume, vk.Volume])
assert_type(vk.preprocess("scans", normalize="zscore", convention="origin", mask=None), vk.Volume)
for info in vk.list_series("scans"):
    assert_type(info.shape, tuple[int, ...])

# volumes
assert_type(v.data, NDArray[Any])
assert_type(v.affine, NDArray[np.float64])
assert_type(v[1:3, ..., ::-1], vk.Volume)
assert_type(v[v > 3], NDArray[Any])
assert_type(v[a > 3], NDArray[Any])
assert_type(v + 1, vk.Volume)
assert_type(1 - v * v / 2, vk.Volume)
assert_type(-abs(v) // 2 % 3, vk.Volume)
assert_type((v > 0) & ~(v == v), vk.Volume)
assert_type(v.world_to_index([0, 0, 0]), NDArray[np.float64])
assert_type(vk.reorient(v, "LPS"), vk.Volume)
assert_type(vk.Volume.from_sitk(None), vk.Volume)

# masks
assert_type(vk.largest_component(v, 2), vk.Volume)
assert_type(vk.fill_holes(a, axis=0), NDArray[Any])
assert_type(vk.closing(v, 5.0, axes=(1, 2)), vk.Volume)
assert_type(vk.dilate(a, radius_mm=2.0), NDArray[Any])
assert_type(vk.signed_distance(v), vk.Volume)
assert_type(vk.label_statistics(v).count, NDArray[np.int64])
assert_type(vk.percentiles(v, 5), float)
assert_type(vk.percentiles(v, (5, 95)), NDArray[np.float64])
assert_type(vk.zscore(v, v > 3, outside="scaled"), vk.Volume)
plan = vk.ResamplePlan(v, spacing=1.0, mode="fov")
assert_type(plan(v), vk.Volume)

# scipy.ndimage and torch.nn.functional
assert_type(vk.ndimage.gaussian_filter(v, 1.5), vk.Volume)
assert_type(vk.ndimage.zoom(a, 2, order=1), NDArray[Any])
assert_type(vk.ndimage.median_filter(input=v, size=3), vk.Volume)
assert_type(vk.ndimage.binary_erosion(v, iterations=2), vk.Volume)
assert_type(vk.ndimage.label(v), tuple[vk.Volume, int])
assert_type(vk.ndimage.mean(v), float)
assert_type(vk.ndimage.mean(v, a, [1, 2]), NDArray[Any])
assert_type(vk.ndimage.maximum_position(a), tuple[int, ...])
assert_type(vk.ndimage.center_of_mass(v, a, index=[1, 2]), list[tuple[float, ...]])
assert_type(vk.ndimage.distance_transform_edt(v, sampling=2.0), vk.Volume)
assert_type(vk.nn.conv3d(f, f, padding=1), NDArray[Any])
assert_type(vk.nn.max_pool3d(f, 2), NDArray[Any])
assert_type(vk.nn.max_pool3d(f, 2, return_indices=True), tuple[NDArray[Any], NDArray[Any]])
assert_type(vk.nn.softmax(f, 1), NDArray[Any])

# words are checked
vk.resample(v, spacing=1.0, convention="middle")  # type: ignore[call-overload]
vk.resample(v, spacing=1.0, mode="edge")  # type: ignore[call-overload]
vk.otsu(v, method="skimge")  # type: ignore[arg-type]
vk.load("scans", irregular="interpolate")  # type: ignore[call-overload]
