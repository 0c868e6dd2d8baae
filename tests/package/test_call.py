# SPDX-License-Identifier: Apache-2.0
"""Arrays of every kind, in and out of every public function: tensors, GPU arrays, Volumes."""

import inspect
import sys
import types

import numpy as np
import pytest

import voxkern as vk
from voxkern import _core, ndimage, nn
from voxkern._runtime import backend

RNG = np.random.default_rng(7)
IMAGE = RNG.random((6, 7, 8)).astype(np.float32) + 1
LABELS = RNG.integers(0, 3, (6, 7, 8)).astype(np.uint8)
FIELD = RNG.random((6, 7, 8, 3)).astype(np.float32)
MASK = IMAGE > 1.2
POINTS = RNG.random((3, 5)) * 5
HOLES = np.array([[[1, 0, 1], [0, 1, 1]]])
TURN = np.array([[1.0, 0.1, 0], [-0.1, 1, 0], [0, 0, 1]])
N4 = {"maximum_number_of_iterations": 2, "number_of_control_points": 4}


def new(*shape, dtype=np.float32):
    return np.zeros(shape, dtype)


# Functions of an image and labels beside it.
REGIONS = (
    "sum", "sum_labels", "mean", "variance", "standard_deviation", "minimum", "maximum", "median",
    "minimum_position", "maximum_position", "center_of_mass",
)  # fmt: skip


# A call of every function that takes arrays, and an array for each argument that is one.
CALLS = {
    "resample": (lambda x, out: vk.resample(x, shape=5, order=1, out=out), IMAGE, new(5, 5, 5)),
    "resample oblique": (lambda x, m: vk.resample(x, matrix=m, order=1), IMAGE, TURN),
    "ResamplePlan": (lambda x: vk.ResamplePlan(IMAGE, shape=5)(x), IMAGE),
    "resample_labels": (
        lambda x, out: vk.resample_labels(x, shape=5, out=out), LABELS, new(5, 5, 5, dtype=np.uint8)
    ),
    "resample_argmax": (
        lambda x, out: vk.resample_argmax(x, shape=5, out=out), IMAGE, new(5, 5, dtype=np.uint8)
    ),
    "warp": (lambda x, d, out: vk.warp(x, d, out=out), IMAGE, FIELD, new(6, 7, 8)),
    "push": (lambda x, d: vk.push(x, d), IMAGE, FIELD),
    "n4_bias_field_correction": (
        lambda x, m, w: vk.n4_bias_field_correction(x, m, weights=w, **N4), IMAGE, MASK, IMAGE
    ),
    "zscore": (lambda x, m, out: vk.zscore(x, m, out=out), IMAGE, MASK, new(6, 7, 8)),
    "window": (lambda x, out: vk.window(x, 0, 1, out=out), IMAGE, new(6, 7, 8)),
    "window_to_uint8": (
        lambda x, out: vk.window_to_uint8(x, 0, 1, out=out), IMAGE, new(6, 7, 8, dtype=np.uint8)
    ),
    "clip_percentiles": (
        lambda x, m, out: vk.clip_percentiles(x, 5, 95, m, out=out), IMAGE, MASK, new(6, 7, 8)
    ),
    "percentiles": (lambda x, m: np.float64(vk.percentiles(x, 30, m)), IMAGE, MASK),
    "bounding_box": (lambda x: np.array([s.indices(9) for s in vk.bounding_box(x, 1.9)]), IMAGE),
    "crop_to_nonzero": (lambda x, m: vk.crop_to_nonzero(x, m), IMAGE, MASK),
    "otsu": (lambda x, m: np.float64(vk.otsu(x, mask=m)), IMAGE, MASK),
    "preprocess": (lambda x: vk.preprocess(vk.Volume(x, np.eye(4)), spacing=2).data, IMAGE),
    "correlate1d": (
        lambda x, w, out: ndimage.correlate1d(x, w, output=out), IMAGE, np.ones(3), new(6, 7, 8)
    ),
    "convolve1d": (lambda x, w, out: ndimage.convolve1d(x, w, output=out), IMAGE, np.ones(3), new(6, 7, 8)),
    "correlate": (
        lambda x, w, out: ndimage.correlate(x, w, output=out), IMAGE, np.ones((3, 3, 3)), new(6, 7, 8)
    ),
    "convolve": (lambda x, w, out: ndimage.convolve(x, w, out), IMAGE, np.ones((3, 3, 3)), new(6, 7, 8)),
    "gaussian_filter1d": (lambda x, out: ndimage.gaussian_filter1d(x, 1, output=out), IMAGE, new(6, 7, 8)),
    "gaussian_filter": (lambda x, out: ndimage.gaussian_filter(x, 1, output=out), IMAGE, new(6, 7, 8)),
    "uniform_filter1d": (lambda x, out: ndimage.uniform_filter1d(x, 3, output=out), IMAGE, new(6, 7, 8)),
    "uniform_filter": (lambda x, out: ndimage.uniform_filter(x, 3, output=out), IMAGE, new(6, 7, 8)),
    "minimum_filter1d": (lambda x, out: ndimage.minimum_filter1d(x, 3, output=out), IMAGE, new(6, 7, 8)),
    "maximum_filter1d": (lambda x, out: ndimage.maximum_filter1d(x, 3, output=out), IMAGE, new(6, 7, 8)),
    "minimum_filter": (lambda x, out: ndimage.minimum_filter(x, 3, output=out), IMAGE, new(6, 7, 8)),
    "maximum_filter": (
        lambda x, out: ndimage.maximum_filter(x, footprint=HOLES, output=out), IMAGE, new(6, 7, 8)
    ),
    **{
        name: (lambda x, out, name=name: getattr(ndimage, name)(x, 3, output=out), IMAGE, new(6, 7, 8))
        for name in (
            "grey_erosion",
            "grey_dilation",
            "grey_opening",
            "grey_closing",
            "morphological_gradient",
            "morphological_laplace",
            "white_tophat",
            "black_tophat",
        )
    },
    "sobel": (lambda x, out: ndimage.sobel(x, output=out), IMAGE, new(6, 7, 8)),
    "prewitt": (lambda x, out: ndimage.prewitt(x, output=out), IMAGE, new(6, 7, 8)),
    "laplace": (lambda x, out: ndimage.laplace(x, out), IMAGE, new(6, 7, 8)),
    "gaussian_laplace": (lambda x, out: ndimage.gaussian_laplace(x, 1, out), IMAGE, new(6, 7, 8)),
    "gaussian_gradient_magnitude": (
        lambda x, out: ndimage.gaussian_gradient_magnitude(x, 1, out), IMAGE, new(6, 7, 8)
    ),
    "generic_laplace": (lambda x, out: ndimage.generic_laplace(x, ndimage.sobel, out), IMAGE, new(6, 7, 8)),
    "generic_gradient_magnitude": (
        lambda x, out: ndimage.generic_gradient_magnitude(x, ndimage.sobel, out), IMAGE, new(6, 7, 8)
    ),
    "gaussian": (lambda x, out: vk.gaussian(x, 1, out=out), IMAGE, new(6, 7, 8)),
    "gaussian recursive": (lambda x: vk.gaussian(x, 1, method="recursive"), IMAGE),
    "hessian_eigenvalues": (lambda x, out: vk.hessian_eigenvalues(x, 1, out=out), IMAGE, new(6, 7, 8, 3)),
    "vesselness": (lambda x, out: vk.vesselness(x, 1, out=out), IMAGE, new(6, 7, 8)),
    "median_filter": (lambda x, out: ndimage.median_filter(x, 3, output=out), IMAGE, new(6, 7, 8)),
    "rank_filter": (lambda x, out: ndimage.rank_filter(x, 4, 3, output=out), IMAGE, new(6, 7, 8)),
    "percentile_filter": (
        lambda x, out: ndimage.percentile_filter(x, 30, 3, output=out),
        IMAGE,
        new(6, 7, 8),
    ),
    "dice": (lambda x, y: vk.dice(x, y), MASK, LABELS),
    "surface": (lambda x: vk.surface(x, 1.0).vertices, IMAGE),
    "contours": (lambda x: np.concatenate([found.points for found in vk.contours(x)]), LABELS),
    "hausdorff_distance": (lambda x, y: vk.hausdorff_distance(x, y, 95), MASK, LABELS),
    "mean_surface_distance": (lambda x, y: vk.mean_surface_distance(x, y), MASK, LABELS),
    "distance_transform_bf": (lambda x: ndimage.distance_transform_bf(x), LABELS),
    "distance_transform_cdt": (lambda x: ndimage.distance_transform_cdt(x), LABELS),
    "distance_transform_edt": (lambda x: ndimage.distance_transform_edt(x), LABELS),
    "label_statistics": (lambda x, y: vk.label_statistics(x, y).mean, LABELS, IMAGE),
    **{
        name: (lambda x, y, name=name: np.asarray(getattr(ndimage, name)(x, y, [1, 2])), IMAGE, LABELS)
        for name in REGIONS
    },
    "extrema": (lambda x, y: np.array(ndimage.extrema(x, y, 1)[:2]), IMAGE, LABELS),
    "find_objects": (lambda x: np.array(ndimage.find_objects(x)[0][0].indices(9)), LABELS),
    "value_indices": (lambda x: np.array(ndimage.value_indices(x)[1]), LABELS),
    "histogram": (lambda x, y: ndimage.histogram(x, 0, 1, 4, y, 1), IMAGE, LABELS),
    "labeled_comprehension": (
        lambda x, y: ndimage.labeled_comprehension(x, y, [1, 2], np.ptp, float, 0), IMAGE, LABELS
    ),
    "label": (lambda x: ndimage.label(x)[0], LABELS),
    "signed_distance": (lambda x: vk.signed_distance(x), MASK),
    "largest_component": (lambda x: vk.largest_component(x), MASK),
    "fill_holes": (lambda x: vk.fill_holes(x), MASK),
    "dilate": (lambda x: vk.dilate(x, 1.0), MASK),
    "erode": (lambda x: vk.erode(x, 1.0), MASK),
    "opening": (lambda x: vk.opening(x, 1.0), MASK),
    "closing": (lambda x: vk.closing(x, 1.0), MASK),
    **{
        f"binary_{name}": (
            lambda x, m, out, name=name: getattr(ndimage, f"binary_{name}")(x, mask=m, output=out),
            LABELS,
            MASK,
            new(6, 7, 8, dtype=bool),
        )
        for name in ("erosion", "dilation", "opening", "closing", "propagation")
    },
    "binary_hit_or_miss": (lambda x: ndimage.binary_hit_or_miss(x), LABELS),
    "binary_fill_holes": (lambda x: ndimage.binary_fill_holes(x), LABELS),
    "spline_filter1d": (lambda x, out: ndimage.spline_filter1d(x, output=out), IMAGE, new(6, 7, 8)),
    "spline_filter": (lambda x, out: ndimage.spline_filter(x, output=out), IMAGE, new(6, 7, 8)),
    "shift": (lambda x, out: ndimage.shift(x, 0.5, out), IMAGE, new(6, 7, 8)),
    "zoom": (lambda x, out: ndimage.zoom(x, 2, out), IMAGE, new(12, 14, 16)),
    "map_coordinates": (lambda x, p, out: ndimage.map_coordinates(x, p, out), IMAGE, POINTS, new(5)),
    "geometric_transform": (
        lambda x, out: ndimage.geometric_transform(x, lambda i: i[::-1], (2, 2, 2), out), IMAGE, new(2, 2, 2)
    ),
    "affine_transform": (
        lambda x, m, out: ndimage.affine_transform(x, m, output=out), IMAGE, TURN, new(6, 7, 8)
    ),
    "rotate": (lambda x, out: ndimage.rotate(x, 20, reshape=False, output=out), IMAGE, new(6, 7, 8)),
}  # fmt: skip
IMAGES = {1: IMAGE[0], 2: IMAGE, 3: IMAGE[None]}  # channels and so many axes
for rank, x in IMAGES.items():
    for kind in ("max", "avg", "adaptive_max", "adaptive_avg"):
        pool = getattr(nn, f"{kind}_pool{rank}d")
        size = [2 if "adaptive" in kind else n // 2 for n in x.shape[1:]]
        CALLS[f"{kind}_pool{rank}d"] = (lambda x, out, f=pool: f(x, 2, out=out), x, new(x.shape[0], *size))
CHANNELS = new(6) + 1
CALLS |= {
    "instance_norm": (
        lambda x, w, b, out: nn.instance_norm(x, weight=w, bias=b, out=out),
        IMAGE[None],
        CHANNELS,
        CHANNELS,
        new(1, 6, 7, 8),
    ),
    "batch_norm": (
        lambda x, m, v, out: nn.batch_norm(x, m, v, out=out),
        IMAGE[None],
        CHANNELS,
        CHANNELS,
        new(1, 6, 7, 8),
    ),
    "relu": (lambda x, out: nn.relu(x, out=out), IMAGE, new(6, 7, 8)),
    "leaky_relu": (lambda x, out: nn.leaky_relu(x, out=out), IMAGE, new(6, 7, 8)),
    "linear": (
        lambda x, w, b, out: nn.linear(x, w, b, out=out),
        IMAGE,
        IMAGE[0, :6],
        CHANNELS,
        new(6, 7, 6),
    ),
    "softmax": (lambda x, out: nn.softmax(x, 0, out=out), IMAGE, new(6, 7, 8)),
    "argmax": (lambda x, out: nn.argmax(x, 0, out=out), IMAGE, new(7, 8, dtype=np.int64)),
}
for rank in (1, 2, 3):
    for layer in (f"conv{rank}d", f"conv_transpose{rank}d"):
        CALLS[layer] = (
            lambda x, w, b, out, name=layer: getattr(nn, name)(x, w, b, out=out),
            IMAGES[rank],
            new(IMAGES[rank].shape[0], IMAGES[rank].shape[0], *[1] * rank) + 1,
            new(IMAGES[rank].shape[0]),
            new(*IMAGES[rank].shape),
        )
POOL = [{"type": "max_pool2d", "kernel_size": 2}]
CALLS |= {
    "interpolate": (
        lambda x, out: vk.nn.interpolate(x, 9, mode="bilinear", out=out), IMAGE[None], new(1, 6, 9, 9)
    ),
    "grid_sample": (
        lambda x, g, out: vk.nn.grid_sample(x, g, out=out),
        IMAGE[None],
        FIELD[None, 0, ..., :2],
        new(1, 6, 7, 8),
    ),
    "Sequential": (lambda x, out: vk.nn.Sequential(POOL)(x, out=out), IMAGE, new(6, 3, 4)),
    "run_in_tiles": (
        lambda x, out: vk.nn.run_in_tiles(vk.nn.Sequential(POOL), x, 4, out=out), IMAGE, new(6, 3, 4)
    ),
    "sliding_window": (
        lambda x, out: vk.nn.sliding_window(lambda part: part, x, (4, 4), out=out), IMAGE, new(6, 7, 8)
    ),
}  # fmt: skip
COMPOSED = {
    "preprocess", "Sequential", "run_in_tiles", "sliding_window",
    "generic_laplace", "generic_gradient_magnitude",
    "dice", "hausdorff_distance", "mean_surface_distance", "surface", "contours",
}  # fmt: skip
# Numbers of an image, not images.
MEASURES = {
    "percentiles", "bounding_box", "otsu", "label_statistics", *REGIONS, "extrema", "find_objects",
    "value_indices", "histogram", "labeled_comprehension",
    "dice", "hausdorff_distance", "mean_surface_distance", "surface", "contours",
}  # fmt: skip
TAKE_NO_ARRAY = {
    "cuda_available", "get_num_threads", "list_series", "load", "open_study", "patch_scipy", "release_memory",
    "plot", "reorient", "save", "set_cache_limit", "set_num_threads", "show_config", "view",
    "generate_binary_structure", "iterate_structure",
}  # fmt: skip


def test_every_public_function_is_called():
    public = {n for m in (vk, ndimage, nn) for n in m.__all__ if inspect.isfunction(getattr(m, n))}
    assert public - TAKE_NO_ARRAY <= set(CALLS)


class Tensor:
    """What a torch tensor is to others: DLPack only, on the CPU or on a GPU."""

    def __init__(self, host, device=1):
        self.host, self.device = host, device
        self.shape, self.dtype = host.shape, f"tensor.{host.dtype}"

    def __dlpack_device__(self):
        return self.device, 0

    def __dlpack__(self, **options):
        return self.host.__dlpack__(**options)

    def __array__(self, *_, **__):
        raise TypeError("a tensor is passed on by DLPack")


class GpuArray:
    """A CuPy array whose memory is the host's."""

    def __init__(self, host, number=0):
        self.host, self.device = host, types.SimpleNamespace(id=number)

    @property
    def __cuda_array_interface__(self):
        return {**self.host.__array_interface__, "version": 3, "stream": 1}

    def __array__(self, *_, **__):
        raise TypeError("Implicit conversion to a NumPy array is not allowed")

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        value = getattr(self.host, name)
        return GpuArray(value, self.device.id) if isinstance(value, np.ndarray) else value

    def transpose(self, *axes):
        return GpuArray(self.host.transpose(*axes), self.device.id)

    def __getitem__(self, key):
        return GpuArray(self.host[key], self.device.id)


@pytest.fixture
def tensors(monkeypatch):
    library = types.ModuleType("tensors")

    def from_dlpack(x):
        return Tensor(x.host, 2) if isinstance(x, GpuArray) else Tensor(np.from_dlpack(x))

    library.from_dlpack = from_dlpack
    monkeypatch.setitem(sys.modules, "tensors", library)
    monkeypatch.setattr(Tensor, "__module__", "tensors")


@pytest.fixture
def gpu(monkeypatch):
    """A GPU with two kernels, correlate1d and copy; yields the streams and devices it ran on."""
    ran, current = [], []

    class Device:
        def __init__(self, number):
            self.number = number

        def __enter__(self):
            current.append(self.number)

        def __exit__(self, *_):
            current.pop()

    def correlate1d(x, out, filters, cval, stream):
        ran.append((stream, current[-1]))
        _core.correlate1d(x.host, out.host, filters, cval, 1)

    def copy(x, out, stream):
        _core.copy(x.host, out.host, 1)

    cupy = types.ModuleType("cupy")
    cupy.ndarray = GpuArray
    cupy.empty = lambda shape, dtype: GpuArray(np.empty(shape, dtype), current[-1])
    cupy.from_dlpack = lambda x: GpuArray(x.host)
    cupy.cuda = types.SimpleNamespace(
        Device=Device, get_current_stream=lambda: types.SimpleNamespace(ptr=77 + current[-1])
    )
    module = types.SimpleNamespace(
        correlate1d=correlate1d, copy=copy, set_allocator=lambda allocate: None, unavailable_reason=lambda: ""
    )
    monkeypatch.setitem(sys.modules, "cupy", cupy)
    monkeypatch.setattr(backend, "_load_cuda", lambda: (module, ""))
    cuda = backend.CudaBackend(module)
    monkeypatch.setattr(backend, "_cuda_backend", lambda _: cuda)
    return ran


def same(ours, expected):
    np.testing.assert_array_equal(getattr(ours, "host", ours), expected)


@pytest.mark.parametrize("name", [name for name in CALLS if name != "preprocess"])
def test_tensor_in_tensor_out(tensors, name):
    call, *arrays = CALLS[name]
    expected = call(*(a.copy() for a in arrays))
    given = [Tensor(a.copy()) for a in arrays]
    result = call(*given)
    same(result, expected)
    if name in MEASURES:
        return
    assert type(result) is Tensor and result.device == 1
    if "out" in inspect.signature(call).parameters:
        assert result is given[-1]


@pytest.mark.parametrize("name", CALLS)
def test_gpu_array_where_no_gpu_is(monkeypatch, name):
    monkeypatch.setattr(backend, "_load_cuda", lambda: (None, "nobody built it"))
    call, *arrays = CALLS[name]
    for k in range(len(arrays)):
        mixed = [GpuArray(a) if i == k else a for i, a in enumerate(arrays)]
        with pytest.raises(vk.CudaUnavailableError, match=r"got a GPU array.*nobody built it"):
            call(*mixed)


FILTERS_ON_A_GPU = ("gaussian_filter", "uniform_filter", "sobel", "prewitt", "gaussian")


@pytest.mark.parametrize("name", CALLS)
def test_gpu_array_where_a_gpu_is(gpu, name):
    call, *arrays = CALLS[name]
    if name.removesuffix("1d") in FILTERS_ON_A_GPU:
        same(call(*map(GpuArray, arrays)), call(*arrays))
        assert gpu == [(77, 0)]
        return
    weights = name in ("correlate1d", "convolve1d", "resample oblique")  # come from the host
    error, why = (
        (vk.ArgumentTypeError, "host") if weights else (vk.CudaUnavailableError, "no GPU version yet")
    )
    with pytest.raises(error, match=f"got a GPU array.*{why}"):
        call(*map(GpuArray, arrays))
    assert gpu == []


@pytest.mark.parametrize("name", CALLS)
def test_arrays_of_two_places(gpu, name):
    call, *arrays = CALLS[name]
    for k in range(1, len(arrays)):
        mixed = [GpuArray(a) if i == k else a for i, a in enumerate(arrays)]
        with pytest.raises((vk.ArgumentTypeError, vk.CudaUnavailableError), match="got a"):
            call(*mixed)


def test_arrays_of_two_gpus(gpu):
    with pytest.raises(vk.ArgumentError, match="another GPU"):
        ndimage.gaussian_filter(GpuArray(IMAGE, 0), 1, output=GpuArray(IMAGE.copy(), 1))


def test_gpu_kernel_runs_on_the_device_and_stream_of_its_input(gpu, tensors):
    expected = ndimage.gaussian_filter(IMAGE, 1)
    volume = ndimage.gaussian_filter(vk.Volume(GpuArray(IMAGE, 3), np.diag([2.0, 1, 1, 1])), 1)
    assert isinstance(volume, vk.Volume) and volume.spacing == (2, 1, 1)
    assert type(volume.data) is GpuArray and volume.data.device.id == 3
    same(volume.data, expected)
    assert gpu == [(80, 3)]
    tensor = ndimage.gaussian_filter(Tensor(IMAGE, device=2), 1)
    assert type(tensor) is Tensor and tensor.device == 2
    same(tensor, expected)
    shifted = np.zeros((7, 7, 8), np.float32)
    shifted[:6] = IMAGE
    result = GpuArray(shifted[1:])
    assert ndimage.gaussian_filter(GpuArray(shifted[:6]), 1, output=result) is result
    same(result, expected)


def test_whoever_owns_the_output_waits_for_it(gpu, tensors, monkeypatch):
    """A library tells its stream to wait when it takes an array, on the device that is current then."""
    library, cupy = sys.modules["tensors"], sys.modules["cupy"]
    pass_on, taken = library.from_dlpack, []

    def from_dlpack(x):
        taken.append((x.host, cupy.cuda.get_current_stream().ptr))
        return pass_on(x)

    monkeypatch.setattr(library, "from_dlpack", from_dlpack)
    out = Tensor(np.zeros_like(IMAGE), 2)
    for x in (Tensor(IMAGE, 2), GpuArray(IMAGE)):
        assert ndimage.gaussian_filter(x, 1, output=out) is out
        (memory, stream), *more = taken
        assert memory is out.host and stream == 77 and not more
        taken.clear()


def test_gpu_array_without_dlpack(gpu, monkeypatch):
    class Older:
        host = IMAGE
        __cuda_array_interface__ = GpuArray(IMAGE).__cuda_array_interface__

    monkeypatch.setattr(sys.modules["cupy"], "asarray", lambda x: GpuArray(x.host), raising=False)
    same(ndimage.gaussian_filter(Older(), 1), ndimage.gaussian_filter(IMAGE, 1))


def test_tensor_that_dlpack_does_not_pass_on(tensors, monkeypatch):
    def refuse(self, **options):
        raise BufferError("requires gradient")

    monkeypatch.setattr(Tensor, "__dlpack__", refuse)
    with pytest.raises(vk.ArgumentTypeError, match="requires gradient"):
        vk.zscore(Tensor(IMAGE))


def test_volume_of_a_tensor(tensors):
    volume = vk.resample(vk.Volume(Tensor(IMAGE), np.eye(4)), spacing=2.0)
    assert type(volume.data) is Tensor
    same(volume.data, vk.resample(vk.Volume(IMAGE, np.eye(4)), spacing=2.0).data)


@pytest.mark.parametrize("name", [name for name in CALLS if name not in COMPOSED])
def test_three_frames_at_most_above_a_kernel(monkeypatch, name):
    class ReachedError(Exception):
        pass

    def kernel(*_):
        frame, depth = inspect.currentframe().f_back, 0
        while frame.f_code.co_name != "<lambda>":
            frame, depth = frame.f_back, depth + 1
        raise ReachedError(depth)

    for compiled in [n for n, f in vars(_core).items() if inspect.isbuiltin(f) and "threads" not in n]:
        monkeypatch.setattr(_core, compiled, kernel)
    call, *arrays = CALLS[name]
    with pytest.raises(ReachedError) as reached:
        call(*arrays)
    assert reached.value.args[0] <= 3
