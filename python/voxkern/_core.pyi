"""
Compiled kernels of voxkern. Private: the public functions are in the package.
"""
from __future__ import annotations
import collections.abc
import enum
import numpy
import numpy.typing
import typing
__all__: list[str] = ['AxisFilter', 'AxisSampling', 'Boundary', 'Interpolator', 'LabelRule', 'N4Fit', 'N4Settings', 'SincWindow', 'active_cpu_level', 'available_threads', 'cached_workspace_bytes', 'correlate1d', 'cpu_levels', 'default_threads', 'labels', 'labels_argmax', 'n4', 'n4_divide', 'push', 'release_workspace', 'resample', 'rescale', 'set_cpu_level', 'set_default_threads', 'warp', 'warp_labels']
class Boundary(enum.Enum):
    """
    Boundary modes, as in scipy.ndimage.
    """
    constant = ...
    fov = ...
    grid_constant = ...
    grid_wrap = ...
    mirror = ...
    nearest = ...
    reflect = ...
    wrap = ...
class AxisFilter:
    """
    One pass of correlate1d: a filter along one axis.
    """
    def __init__(self, axis: typing.SupportsInt | typing.SupportsIndex, weights: collections.abc.Sequence[typing.SupportsFloat | typing.SupportsIndex], mode: Boundary, cval: typing.SupportsFloat | typing.SupportsIndex, origin: typing.SupportsInt | typing.SupportsIndex, divisor: typing.SupportsFloat | typing.SupportsIndex) -> None:
        ...
class N4Settings:
    """
    How n4 fits; see vk.n4_bias_field_correction.
    """
    def __init__(self, iterations: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex], convergence_threshold: typing.SupportsFloat | typing.SupportsIndex, watched: bool, control_points: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex], spline_order: typing.SupportsInt | typing.SupportsIndex, bins: typing.SupportsInt | typing.SupportsIndex, fwhm: typing.SupportsFloat | typing.SupportsIndex, noise: typing.SupportsFloat | typing.SupportsIndex, itk: bool) -> None:
        ...
class N4Fit:
    """
    What n4 found.
    """
    @property
    def lattice(self) -> numpy.typing.NDArray[numpy.float32]:
        ...
    @property
    def mean_log_field(self) -> float:
        ...
    @property
    def not_positive(self) -> int:
        ...
    @property
    def trace(self) -> list[tuple[int, int, float]]:
        ...
    @property
    def voxels(self) -> int:
        ...
class SincWindow(enum.Enum):
    """
    Windows of a sinc, as ITK has them.
    """
    blackman = ...
    cosine = ...
    hamming = ...
    lanczos = ...
    none = ...
    welch = ...
class Interpolator:
    """
    A B-spline of an order, or a windowed sinc of a radius.
    """
    def __init__(self, order: typing.SupportsInt | typing.SupportsIndex, window: SincWindow = SincWindow.none, radius: typing.SupportsInt | typing.SupportsIndex = 0) -> None:
        ...
class AxisSampling:
    """
    Where the output samples of one axis lie, in input indices.
    """
    def __init__(self, coordinates: typing.Annotated[numpy.typing.ArrayLike, numpy.float64], antialias_sigma: typing.SupportsFloat | typing.SupportsIndex = 0.0, coefficients: bool = False) -> None:
        ...
class LabelRule(enum.Enum):
    """
    Which label an output voxel takes.
    """
    argmax = ...
    gaussian = ...
    half = ...
    nearest = ...
def active_cpu_level() -> str:
    """
    The ISA level calls run at.
    """
def available_threads() -> int:
    """
    CPUs this process may use.
    """
def cached_workspace_bytes() -> int:
    """
    Temporary memory kept for the next call.
    """
def correlate1d(input: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]], output: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]], filters: collections.abc.Sequence[AxisFilter], threads: typing.SupportsInt | typing.SupportsIndex) -> None:
    """
    Applies the filters in order; `output` may be `input` itself. threads=0: the default number.
    """
def cpu_levels() -> list[str]:
    """
    ISA levels this build carries and this processor runs, lowest first.
    """
def default_threads() -> int:
    """
    Threads of a call that asks for none.
    """
def resample_labels(input: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]], output: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]], axes: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]], rule: LabelRule, mode: Boundary, cval: typing.SupportsInt | typing.SupportsIndex, sigma: typing.Annotated[numpy.typing.ArrayLike, numpy.float64], alpha: typing.SupportsFloat | typing.SupportsIndex, threads: typing.SupportsInt | typing.SupportsIndex) -> None:
    """
    A label map onto the grid of `axes`.
    """
def resample_argmax(input: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]], output: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]], axes: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]], mode: Boundary, threads: typing.SupportsInt | typing.SupportsIndex) -> None:
    """
    The class with the highest score, interpolated linearly at the grid of `axes`.
    """
def n4(image: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]], mask: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]] | None, label: typing.SupportsFloat | typing.SupportsIndex | None, weights: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]] | None, settings: N4Settings, domain: collections.abc.Sequence[tuple[typing.SupportsFloat | typing.SupportsIndex, typing.SupportsFloat | typing.SupportsIndex, typing.SupportsInt | typing.SupportsIndex]], scratch: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]], callback: collections.abc.Callable[[int, int, float], None] | None, threads: typing.SupportsInt | typing.SupportsIndex) -> N4Fit:
    """
    Fits the log field of 1 to 3 axes. `scratch`, an array, is overwritten. threads=0: the default number.
    """
def n4_divide(image: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]], lattice: typing.Annotated[numpy.typing.ArrayLike, numpy.float32], spline_order: typing.SupportsInt | typing.SupportsIndex, domain: collections.abc.Sequence[tuple[typing.SupportsFloat | typing.SupportsIndex, typing.SupportsFloat | typing.SupportsIndex, typing.SupportsInt | typing.SupportsIndex]], corrected: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]], field: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]] | None, threads: typing.SupportsInt | typing.SupportsIndex) -> None:
    """
    corrected = image / exp(spline), field = exp(spline), both written to. threads=0: the default number.
    """
def push(input: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]], output: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]], image_axes: typing.SupportsInt | typing.SupportsIndex, offset: typing.Annotated[numpy.typing.ArrayLike, numpy.float64] | None, matrix: typing.Annotated[numpy.typing.ArrayLike, numpy.float64] | None, field: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]] | None, field_matrix: typing.Annotated[numpy.typing.ArrayLike, numpy.float64] | None, kernel: Interpolator, mode: Boundary, prefilter: bool, threads: typing.SupportsInt | typing.SupportsIndex, float64: bool = False) -> None:
    """
    The adjoint of `warp`: grid values onto the image's samples.
    """
def release_workspace() -> None:
    """
    Frees the temporary memory kept for the next call.
    """
def resample(input: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]], output: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]], axes: collections.abc.Sequence[AxisSampling], kernel: Interpolator, mode: Boundary, cval: typing.SupportsFloat | typing.SupportsIndex, prefilter: bool, clip: bool, threads: typing.SupportsInt | typing.SupportsIndex, float64: bool = False) -> None:
    """
    Interpolates `input` at the grid of `axes` into `output`. threads=0: the default number.
    """
def rescale(stored: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]], values: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]], slope: typing.SupportsFloat | typing.SupportsIndex, intercept: typing.SupportsFloat | typing.SupportsIndex, swap_bytes: bool, unused_high: typing.SupportsInt | typing.SupportsIndex, unused_low: typing.SupportsInt | typing.SupportsIndex, threads: typing.SupportsInt | typing.SupportsIndex) -> None:
    """
    values = slope * stored bits + intercept. threads=0: the default number.
    """
def set_cpu_level(level: str) -> None:
    """
    Forces an ISA level (for tests).
    """
def set_default_threads(n: typing.SupportsInt | typing.SupportsIndex) -> None:
    """
    0 returns to the environment's number.
    """
def warp(input: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]], output: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]], image_axes: typing.SupportsInt | typing.SupportsIndex, offset: typing.Annotated[numpy.typing.ArrayLike, numpy.float64] | None, matrix: typing.Annotated[numpy.typing.ArrayLike, numpy.float64] | None, field: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]] | None, field_matrix: typing.Annotated[numpy.typing.ArrayLike, numpy.float64] | None, kernel: Interpolator, mode: Boundary, cval: typing.SupportsFloat | typing.SupportsIndex, prefilter: bool, threads: typing.SupportsInt | typing.SupportsIndex, float64: bool = False, slope_axis: typing.SupportsInt | typing.SupportsIndex = -1) -> None:
    """
    Interpolates `input` at offset + matrix o + field_matrix field(o) for every point o of `output`.
    """
def warp_labels(input: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]], output: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]], offset: typing.Annotated[numpy.typing.ArrayLike, numpy.float64], matrix: typing.Annotated[numpy.typing.ArrayLike, numpy.float64], rule: LabelRule, mode: Boundary, cval: typing.SupportsInt | typing.SupportsIndex, sigma: typing.Annotated[numpy.typing.ArrayLike, numpy.float64], alpha: typing.SupportsFloat | typing.SupportsIndex, threads: typing.SupportsInt | typing.SupportsIndex) -> None:
    """
    A label map onto the grid whose point o lies at offset + matrix o.
    """
__version__: str = '0.1.0'
