# SPDX-License-Identifier: Apache-2.0
"""A right call of every public function, on small arrays."""

import inspect
from types import SimpleNamespace

import numpy as np

import voxkern as vk

ARRAY = np.arange(1.0, 121.0, dtype=np.float32).reshape(4, 5, 6)
VOLUME = vk.Volume(ARRAY, np.diag([3.0, 2.0, 1.0, 1.0]))
LABELS = (np.indices((4, 5, 6)).sum(axis=0) // 4).astype(np.uint8)
FIELD = np.zeros((4, 5, 6, 3), np.float32)
IMAGES = np.ones((1, 2, 4, 5, 6), np.float32)
WEIGHTS = np.ones((2, 2, 3, 3, 3), np.float32)
NETWORK = [{"type": "conv3d", "weight": WEIGHTS, "padding": 1}, {"type": "relu"}]

for given in (ARRAY, LABELS, FIELD, IMAGES, WEIGHTS):
    given.flags.writeable = False

try:
    from matplotlib.figure import Figure
except ImportError:  # then a call says what to install
    Figure = SimpleNamespace

IMAGE = {"x": VOLUME}
SIZED = {"x": VOLUME, "shape": 5}
MASK = {"mask": vk.Volume(LABELS > 0, VOLUME.affine)}
PAIR = {"a": LABELS > 1, "b": LABELS > 2}
WINDOW = {"input": IMAGES, "kernel_size": 2}
FILTER = {"input": IMAGES, "weight": WEIGHTS}


def added(other=VOLUME):
    with np.errstate(all="ignore"):
        return VOLUME + other


def planned(**options):
    return vk.ResamplePlan(**options)(VOLUME)


planned.__signature__ = inspect.signature(vk.ResamplePlan)


def layer(**options):
    return vk.nn.Conv3d(**options)(IMAGES)


layer.__signature__ = inspect.signature(vk.nn.Conv3d)

CALLS = [
    (vk.resample, SIZED),
    (vk.resample, {"x": VOLUME, "spacing": 1.5}),
    (vk.resample, {"x": VOLUME, "like": VOLUME}),
    (vk.resample, {"x": ARRAY, "matrix": np.eye(4)}),
    (vk.resample, {"x": VOLUME, "transform": np.eye(4)}),
    (vk.resample, {"x": VOLUME, "shape": 4, "affine": np.eye(4)}),
    (planned, SIZED),
    (vk.resample_labels, {"x": LABELS, "shape": 5}),
    (vk.resample_argmax, {"logits": IMAGES[0], "shape": 5}),
    (vk.warp, {"x": ARRAY, "displacement": FIELD}),
    (vk.push, {"x": ARRAY, "displacement": FIELD}),
    (vk.n4_bias_field_correction, {"x": VOLUME, "maximum_number_of_iterations": 1}),
    (vk.zscore, IMAGE),
    (vk.window, {"x": VOLUME, "low": 1, "high": 2}),
    (vk.window_to_uint8, {"x": VOLUME, "low": 1, "high": 2}),
    (vk.clip_percentiles, IMAGE),
    (vk.percentiles, {"x": VOLUME, "q": 5}),
    (vk.otsu, IMAGE),
    (vk.bounding_box, IMAGE),
    (vk.crop_to_nonzero, IMAGE),
    (vk.gaussian, {"x": VOLUME, "sigma_mm": 2}),
    (vk.hessian_eigenvalues, {"x": VOLUME, "sigma_mm": 2}),
    (vk.vesselness, {"x": VOLUME, "sigmas_mm": 2}),
    (vk.signed_distance, MASK),
    (vk.fill_holes, MASK),
    (vk.largest_component, MASK),
    (vk.dilate, MASK | {"radius_mm": 2}),
    (vk.erode, MASK | {"radius_mm": 2}),
    (vk.opening, MASK | {"radius_mm": 2}),
    (vk.closing, MASK | {"radius_mm": 2}),
    (vk.dice, PAIR),
    (vk.hausdorff_distance, PAIR),
    (vk.mean_surface_distance, PAIR),
    (vk.label_statistics, {"labels": LABELS, "image": ARRAY}),
    (vk.surface, {"x": VOLUME, "level": 50.0}),
    (vk.contours, {"labels": LABELS}),
    (vk.plot, {"volume": VOLUME, "labels": VOLUME.with_data(LABELS), "figure": Figure()}),
    (vk.view, {"volume": VOLUME, "path": "page.html", "overlay": VOLUME, "labels": VOLUME.with_data(LABELS)}),
    (vk.reorient, {"volume": VOLUME}),
    (vk.Volume, {"data": ARRAY, "affine": np.eye(4)}),
    (vk.Volume.with_data, {"self": VOLUME, "data": ARRAY}),
    (vk.Volume.world_to_index, {"self": VOLUME, "points": [1, 2, 3]}),
    (added, {}),
    (lambda index=0: VOLUME[index], {}),
    (vk.set_num_threads, {}),
    (vk.set_cache_limit, {}),
    (vk.preprocess, {"source": VOLUME}),
    (vk.load, {"path": "no such file"}),
    (vk.list_series, {"path": "no such file"}),
    (vk.open_study, {"path": "no such file"}),
    (vk.save, {"volume": VOLUME, "path": "no such folder/x.nii"}),
    (vk.nn.conv1d, {"input": IMAGES[0, :, 0, 0], "weight": WEIGHTS[:, :, 0, 0]}),
    (vk.nn.conv2d, {"input": IMAGES[0, :, 0], "weight": WEIGHTS[:, :, 0]}),
    (vk.nn.conv3d, FILTER),
    (vk.nn.conv_transpose3d, FILTER),
    (layer, {"weight": WEIGHTS}),
    (vk.nn.max_pool3d, WINDOW),
    (vk.nn.avg_pool3d, WINDOW),
    (vk.nn.adaptive_avg_pool3d, {"input": IMAGES, "output_size": 2}),
    (vk.nn.adaptive_max_pool3d, {"input": IMAGES, "output_size": 2}),
    (vk.nn.relu, {"input": IMAGES}),
    (vk.nn.leaky_relu, {"input": IMAGES}),
    (vk.nn.instance_norm, {"input": IMAGES}),
    (vk.nn.batch_norm, {"input": IMAGES, "running_mean": np.zeros(2, "f"), "running_var": np.ones(2, "f")}),
    (vk.nn.softmax, {"input": IMAGES, "dim": 1}),
    (vk.nn.argmax, {"input": IMAGES, "dim": 1}),
    (vk.nn.linear, {"input": IMAGES, "weight": np.ones((2, 6), "f")}),
    (vk.nn.interpolate, {"input": IMAGES, "size": 5}),
    (vk.nn.grid_sample, {"input": IMAGES, "grid": np.zeros((1, 2, 2, 2, 3), "f")}),
    (vk.nn.Sequential, {"layers": NETWORK}),
    (vk.nn.run_in_tiles, {"network": vk.nn.Sequential(NETWORK), "x": IMAGES, "tile": 3}),
    (vk.nn.sliding_window, {"predict": vk.nn.Sequential(NETWORK), "x": IMAGES, "window": (3, 3, 3)}),
]

# Of vk.ndimage: what each function is given.
PICTURE = {"input": ARRAY}
BINARY = {"input": LABELS > 1}
GREY = {"input": ARRAY, "size": 3}
GROUPED = {"input": ARRAY, "labels": LABELS, "index": [1, 2]}
NDIMAGE = {
    "affine_transform": PICTURE | {"matrix": np.diag([0.9, 1.0, 1.1])},
    **dict.fromkeys(("binary_closing", "binary_dilation", "binary_erosion", "binary_opening"), BINARY),
    **dict.fromkeys(("binary_fill_holes", "binary_hit_or_miss", "binary_propagation"), BINARY),
    **dict.fromkeys(("black_tophat", "grey_closing", "grey_dilation", "grey_erosion", "grey_opening"), GREY),
    **dict.fromkeys(("morphological_gradient", "morphological_laplace", "white_tophat"), GREY),
    **dict.fromkeys(("maximum_filter", "maximum_filter1d", "median_filter", "minimum_filter"), GREY),
    **dict.fromkeys(("minimum_filter1d", "uniform_filter", "uniform_filter1d"), GREY),
    "percentile_filter": GREY | {"percentile": 30},
    "rank_filter": GREY | {"rank": 1},
    **dict.fromkeys(("center_of_mass", "extrema", "maximum", "maximum_position", "mean", "median"), GROUPED),
    **dict.fromkeys(("minimum", "minimum_position", "standard_deviation", "sum", "sum_labels"), GROUPED),
    "variance": GROUPED,
    "histogram": GROUPED | {"min": 0, "max": 100, "bins": 4},
    "labeled_comprehension": GROUPED | {"func": len, "out_dtype": float, "default": 0.0},
    "find_objects": {"input": LABELS},
    "value_indices": {"arr": LABELS},
    "convolve": PICTURE | {"weights": WEIGHTS[0, 0]},
    "convolve1d": PICTURE | {"weights": [1, 2, 1]},
    "correlate": PICTURE | {"weights": WEIGHTS[0, 0]},
    "correlate1d": PICTURE | {"weights": [1, 2, 1]},
    **dict.fromkeys(("distance_transform_bf", "distance_transform_cdt", "distance_transform_edt"), BINARY),
    "label": BINARY,
    **dict.fromkeys(("gaussian_filter", "gaussian_filter1d"), PICTURE | {"sigma": 1}),
    **dict.fromkeys(("gaussian_gradient_magnitude", "gaussian_laplace"), PICTURE | {"sigma": 1}),
    "generic_gradient_magnitude": PICTURE | {"derivative": vk.ndimage.sobel},
    "generic_laplace": PICTURE | {"derivative2": vk.ndimage.correlate1d, "extra_arguments": ([1, -2, 1],)},
    "geometric_transform": PICTURE | {"mapping": lambda at: at},
    "map_coordinates": PICTURE | {"coordinates": np.ones((3, 4))},
    **dict.fromkeys(("laplace", "prewitt", "sobel", "spline_filter", "spline_filter1d"), PICTURE),
    "rotate": PICTURE | {"angle": 10},
    "shift": PICTURE | {"shift": 0.5},
    "zoom": PICTURE | {"zoom": 1.5},
}
