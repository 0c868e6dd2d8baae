"""
Compiled kernels of voxkern. Private: the public functions are in the package.
"""
from __future__ import annotations
import collections.abc
import enum
import numpy
import numpy.typing
import typing
__all__: list[str] = ['AxisFilter', 'AxisSampling', 'Boundary', 'Combine', 'CompiledMapping', 'Components', 'ConvActivation', 'ConvAlgorithm', 'ConvFilter', 'CoordinateMap', 'CorrelateFilter', 'ExtremumKind', 'ExtremumResidue', 'ExtremumWindow', 'Interpolator', 'LabelOptions', 'LabelRule', 'MorphologyStep', 'N4Fit', 'N4Options', 'NormOptions', 'NormStatistics', 'NormaliseOptions', 'PoolKind', 'PoolOptions', 'RankOptions', 'RecursiveGaussianOptions', 'RegionColumns', 'RegionGroups', 'RegionNames', 'RegionTable', 'ResampleOptions', 'RescaleOptions', 'SeparableOptions', 'SincWindow', 'SplineFilterOptions', 'WarpOptions', 'active_cpu_level', 'argmax', 'available_threads', 'cache_limit', 'cached_bytes', 'chamfer', 'component_count', 'component_sizes', 'conv3d', 'copy', 'correlate', 'correlate1d', 'cpu_levels', 'default_threads', 'dense', 'edt', 'empty', 'extrema1d', 'fill_touched', 'fma_loop', 'label', 'mapped_points', 'measure', 'measure_box', 'measure_extremes', 'measure_histogram', 'measure_quantiles', 'morphology', 'n4', 'n4_finish', 'norm', 'normalise', 'pool3d', 'push', 'rank', 'recursive_gaussian', 'region_crossings', 'region_diameters', 'region_groups', 'region_histograms', 'region_quantiles', 'regions', 'release_memory', 'resample', 'resample_argmax', 'resample_labels', 'rescale', 'separable', 'set_cache_limit', 'set_cpu_level', 'set_default_threads', 'softmax', 'spline_filter', 'warp', 'warp_labels', 'within_distance', 'write_enclosed', 'write_labels', 'write_region_groups', 'write_values']
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
class SincWindow(enum.Enum):
    """
    Windows of a sinc, as ITK has them; cubic: a cubic convolution.
    """
    blackman = ...
    cosine = ...
    cubic = ...
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
class CorrelateFilter:
    """
    Weights of correlate, one axis for each of the array's.
    """
    def __init__(self, *, weights: typing.Annotated[numpy.typing.ArrayLike, numpy.float64], origins: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex], mode: Boundary) -> None:
        ...
    @property
    def mode(self) -> Boundary:
        ...
class AxisFilter:
    """
    One pass of correlate1d: a filter along one axis.
    """
    def __init__(self, *, axis: typing.SupportsInt | typing.SupportsIndex, weights: collections.abc.Sequence[typing.SupportsFloat | typing.SupportsIndex], mode: Boundary, origin: typing.SupportsInt | typing.SupportsIndex = 0, box: typing.SupportsInt | typing.SupportsIndex = 0) -> None:
        ...
    @property
    def mode(self) -> Boundary:
        ...
class ExtremumKind(enum.Enum):
    """
    What is kept of a window.
    """
    maximum = ...
    minimum = ...
class ExtremumResidue(enum.Enum):
    """
    What is written for an extremum.
    """
    above = ...
    below = ...
    differing = ...
    laplace = ...
    none = ...
class ExtremumWindow:
    """
    Where a window lies along an axis.
    """
    def __init__(self, *, axis: typing.SupportsInt | typing.SupportsIndex, size: typing.SupportsInt | typing.SupportsIndex, origin: typing.SupportsInt | typing.SupportsIndex, mode: Boundary) -> None:
        ...
class Components:
    """
    Connected components, numbered by their first samples.
    """
class MorphologyStep:
    """
    Erosion, or dilation where any neighbour counts.
    """
    def __init__(self, *, structure: typing.Annotated[numpy.typing.ArrayLike, numpy.bool], centre: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex], any: bool, border: bool = False, iterations: typing.SupportsInt | typing.SupportsIndex = 1) -> None:
        ...
class RegionNames:
    """
    Which labels have a row in a table.
    """
    @staticmethod
    def every(zero: bool) -> RegionNames:
        """
        Each label that occurs, 0 too or not.
        """
    @staticmethod
    def listed(labels: typing.Annotated[numpy.typing.ArrayLike, numpy.int64]) -> RegionNames:
        """
        These labels, each once; of uint64 the bits.
        """
    @staticmethod
    def positive() -> RegionNames:
        """
        One row for all labels above 0.
        """
    @staticmethod
    def range(lowest: typing.SupportsInt | typing.SupportsIndex, count: typing.SupportsInt | typing.SupportsIndex) -> RegionNames:
        """
        Labels from `lowest` on.
        """
class RegionColumns:
    """
    What a table holds beside the counts.
    """
    def __init__(self, *, sums: bool = False, moments: bool = False, extremes: bool = False, boxes: bool = False, indices: bool = False, centres: bool = False) -> None:
        ...
class RegionTable:
    """
    A row for each label; its arrays are views. -1 of a position: none.
    """
    @property
    def boxes(self) -> numpy.typing.NDArray[numpy.int64]:
        """
        First and last index along each axis.
        """
    @property
    def centres(self) -> numpy.typing.NDArray[numpy.float64]:
        """
        Sums of sample times index.
        """
    @property
    def counts(self) -> numpy.typing.NDArray[numpy.int64]:
        ...
    @property
    def indices(self) -> numpy.typing.NDArray[numpy.int64]:
        """
        Sums of the indices along each axis.
        """
    @property
    def labels(self) -> numpy.typing.NDArray[numpy.int64]:
        """
        Names of the rows, where they were open.
        """
    @property
    def maximum_at(self) -> numpy.typing.NDArray[numpy.int64]:
        ...
    @property
    def minimum_at(self) -> numpy.typing.NDArray[numpy.int64]:
        ...
    @property
    def not_number_at(self) -> numpy.typing.NDArray[numpy.int64]:
        ...
    @property
    def squares(self) -> numpy.typing.NDArray[numpy.float64]:
        """
        Sums of squares about the mean.
        """
    @property
    def sums(self) -> numpy.typing.NDArray[numpy.float64]:
        ...
    @property
    def whole_sums(self) -> numpy.typing.NDArray[numpy.int64]:
        """
        Of integers, modulo 2^64.
        """
class RegionGroups:
    """
    Samples of one label side by side: where those of each row begin.
    """
    @property
    def offsets(self) -> numpy.typing.NDArray[numpy.int64]:
        """
        The first sample of each row, and the end.
        """
class N4Options:
    """
    How n4 fits; see vk.n4_bias_field_correction.
    """
    def __init__(self, *, iterations: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex], convergence_threshold: typing.SupportsFloat | typing.SupportsIndex, watched: bool, control_points: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex], spline_order: typing.SupportsInt | typing.SupportsIndex, bins: typing.SupportsInt | typing.SupportsIndex, fwhm: typing.SupportsFloat | typing.SupportsIndex, noise: typing.SupportsFloat | typing.SupportsIndex, itk: bool, axes: collections.abc.Sequence[tuple[typing.SupportsFloat | typing.SupportsIndex, typing.SupportsFloat | typing.SupportsIndex, typing.SupportsInt | typing.SupportsIndex]], voxel_axes: collections.abc.Sequence[tuple[typing.SupportsFloat | typing.SupportsIndex, typing.SupportsFloat | typing.SupportsIndex, typing.SupportsInt | typing.SupportsIndex]], mask_label: typing.SupportsFloat | typing.SupportsIndex | None = None, mean_preserving: bool = False) -> None:
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
class NormStatistics(enum.Enum):
    """
    Whose mean and variance.
    """
    batch = ...
    given = ...
    instance = ...
    known = ...
class NormOptions:
    """
    How channels are normalised and activated.
    """
    def __init__(self, *, statistics: NormStatistics, eps: typing.SupportsFloat | typing.SupportsIndex = 1e-05, slope: typing.SupportsFloat | typing.SupportsIndex = 1.0) -> None:
        ...
class NormaliseOptions:
    """
    (x - centre) * scale + shift, limited to low .. high; outside where a mask is zero.
    """
    def __init__(self, *, centre: typing.SupportsFloat | typing.SupportsIndex = 0.0, scale: typing.SupportsFloat | typing.SupportsIndex = 1.0, shift: typing.SupportsFloat | typing.SupportsIndex = 0.0, low: typing.SupportsFloat | typing.SupportsIndex = ..., high: typing.SupportsFloat | typing.SupportsIndex = ..., outside: typing.SupportsFloat | typing.SupportsIndex = 0.0) -> None:
        ...
class PoolKind(enum.Enum):
    """
    What becomes of the samples of a window.
    """
    average = ...
    max = ...
class PoolOptions:
    """
    Windows of pool3d, and what becomes of their samples.
    """
    def __init__(self, *, kind: PoolKind, kernel: typing.Annotated[collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex], "FixedSize(3)"] = [1, 1, 1], stride: typing.Annotated[collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex], "FixedSize(3)"] = [1, 1, 1], padding: typing.Annotated[collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex], "FixedSize(3)"] = [0, 0, 0], dilation: typing.Annotated[collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex], "FixedSize(3)"] = [1, 1, 1], adaptive: bool = False, count_include_pad: bool = True, divisor: typing.SupportsFloat | typing.SupportsIndex = 0.0) -> None:
        ...
class RecursiveGaussianOptions:
    """
    Axes, widths and mode of recursive_gaussian.
    """
    def __init__(self, *, axes: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex], sigma: collections.abc.Sequence[typing.SupportsFloat | typing.SupportsIndex], mode: Boundary, cval: typing.SupportsFloat | typing.SupportsIndex = 0.0) -> None:
        ...
class RankOptions:
    """
    The window of rank, and which of its samples is the result.
    """
    def __init__(self, *, size: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex], before: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex], mode: collections.abc.Sequence[Boundary], footprint: collections.abc.Sequence[bool], rank: typing.SupportsInt | typing.SupportsIndex, cval: typing.SupportsFloat | typing.SupportsIndex, line: bool = False) -> None:
        ...
class RescaleOptions:
    """
    value = slope * stored bits + intercept.
    """
    def __init__(self, *, slope: typing.SupportsFloat | typing.SupportsIndex = 1.0, intercept: typing.SupportsFloat | typing.SupportsIndex = 0.0, swap_bytes: bool = False, unused_high: typing.SupportsInt | typing.SupportsIndex = 0, unused_low: typing.SupportsInt | typing.SupportsIndex = 0) -> None:
        ...
class AxisSampling:
    """
    Where the output samples of an axis lie, in input indices.
    """
    @staticmethod
    def of_weights(samples: typing.Annotated[numpy.typing.ArrayLike, numpy.int64], weights: typing.Annotated[numpy.typing.ArrayLike, numpy.float64]) -> AxisSampling:
        """
        Output samples as weighted sums of input samples, a row each.
        """
    def __init__(self, coordinates: typing.Annotated[numpy.typing.ArrayLike, numpy.float64], antialias_sigma: typing.SupportsFloat | typing.SupportsIndex = 0.0, cell: typing.SupportsFloat | typing.SupportsIndex = 0.0) -> None:
        ...
class ResampleOptions:
    """
    How resample interpolates.
    """
    def __init__(self, *, kernel: Interpolator, mode: Boundary, cval: typing.SupportsFloat | typing.SupportsIndex = 0.0, prefilter: bool = True, clip: bool = False, float64: bool = False, clip_axes: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex] = []) -> None:
        ...
class Combine(enum.Enum):
    """
    What becomes of the values of terms.
    """
    eigenvalues = ...
    magnitude = ...
    norm = ...
    sum = ...
    vesselness = ...
class SeparableOptions:
    """
    How the terms of a separable filter are combined.
    """
    def __init__(self, *, combine: Combine, cval: typing.SupportsFloat | typing.SupportsIndex = 0.0, alpha: typing.SupportsFloat | typing.SupportsIndex = 0.5, beta: typing.SupportsFloat | typing.SupportsIndex = 0.5, gamma: typing.SupportsFloat | typing.SupportsIndex = 1.0, bright: bool = True, keep_larger: bool = False) -> None:
        ...
class SplineFilterOptions:
    """
    Axes, order and mode of spline_filter.
    """
    def __init__(self, *, axes: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex], order: typing.SupportsInt | typing.SupportsIndex, mode: Boundary, float64: bool = False) -> None:
        ...
class CoordinateMap:
    """
    Where grid point o samples the image: offset + matrix o + field_matrix field(o).
    """
    def __init__(self, *, axes: typing.SupportsInt | typing.SupportsIndex, offset: typing.Annotated[numpy.typing.ArrayLike, numpy.float64] | None = None, matrix: typing.Annotated[numpy.typing.ArrayLike, numpy.float64] | None = None, field: typing.Any | None = None, field_matrix: typing.Annotated[numpy.typing.ArrayLike, numpy.float64] | None = None) -> None:
        ...
class WarpOptions:
    """
    How warp and push interpolate.
    """
    def __init__(self, *, kernel: Interpolator, mode: Boundary, cval: typing.SupportsFloat | typing.SupportsIndex = 0.0, prefilter: bool = True, clip: bool = False, float64: bool = False, slope_axis: typing.SupportsInt | typing.SupportsIndex = -1) -> None:
        ...
class LabelRule(enum.Enum):
    """
    Which label an output voxel takes.
    """
    argmax = ...
    gaussian = ...
    half = ...
    nearest = ...
class LabelOptions:
    """
    How labels are brought onto another grid.
    """
    def __init__(self, *, rule: LabelRule, mode: Boundary, cval: typing.SupportsInt | typing.SupportsIndex = 0, sigma: collections.abc.Sequence[typing.SupportsFloat | typing.SupportsIndex] = [], alpha: typing.SupportsFloat | typing.SupportsIndex = 1.0) -> None:
        ...
class ConvAlgorithm(enum.Enum):
    """
    How products are saved.
    """
    automatic = ...
    direct = ...
    fast = ...
class ConvActivation(enum.Enum):
    """
    What a layer does to its sums.
    """
    leaky_relu = ...
    none = ...
    relu = ...
class ConvFilter:
    """
    Weights and options of a convolution.
    """
    def __init__(self, weight: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]], bias: collections.abc.Sequence[typing.SupportsFloat | typing.SupportsIndex] | None, *, stride: typing.Annotated[collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex], "FixedSize(3)"], padding: typing.Annotated[collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex], "FixedSize(3)"], dilation: typing.Annotated[collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex], "FixedSize(3)"], groups: typing.SupportsInt | typing.SupportsIndex, transposed: bool, algorithm: ConvAlgorithm, activation: ConvActivation, slope: typing.SupportsFloat | typing.SupportsIndex) -> None:
        ...
    def weights(self) -> tuple[numpy.typing.NDArray[numpy.float32], numpy.typing.NDArray[numpy.float32]]:
        """
        The weight as it was given, in one row, and the bias.
        """
class CompiledMapping:
    """
    A C function in a capsule of this name.
    """
    def __init__(self, capsule: typing.Any, name: str | None = None) -> None:
        ...
def active_cpu_level() -> str:
    """
    The ISA level calls run at.
    """
def argmax(input: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]], output: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]], axis: typing.SupportsInt | typing.SupportsIndex, threads: typing.SupportsInt | typing.SupportsIndex) -> None:
    """
    Where the largest sample along an axis is. `output` has one sample along it.
    """
def available_threads() -> int:
    """
    CPUs this process may use.
    """
def cache_limit() -> int:
    """
    Most bytes that are kept.
    """
def cached_bytes() -> int:
    """
    Memory kept for the next call.
    """
def chamfer(input: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]], steps: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]], indices: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]] | None, structure: collections.abc.Sequence[bool], last_zero: bool, threads: typing.SupportsInt | typing.SupportsIndex) -> None:
    """
    Steps to the nearest zero, and where that is. threads=0: the default number.
    """
def component_count(input: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]], components: Components, threads: typing.SupportsInt | typing.SupportsIndex) -> int:
    """
    How many components there are of the array they were found in. On a GPU this waits.
    """
def component_sizes(input: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]], components: Components, threads: typing.SupportsInt | typing.SupportsIndex) -> numpy.typing.NDArray[numpy.int64]:
    """
    Samples of each component, after those of none. On a GPU this waits.
    """
def conv3d(input: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]], output: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]], filter: ConvFilter, residual: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]] | None, moments: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]] | None, padding: typing.SupportsInt | typing.SupportsIndex | None, threads: typing.SupportsInt | typing.SupportsIndex) -> None:
    """
    Convolves `input` with the filter; `residual`, where given, is added before the activation. The moments of the result are joined to `moments`; `padding` is that of a part of an image along D.
    """
def copy(input: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]], output: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]], threads: typing.SupportsInt | typing.SupportsIndex) -> None:
    """
    Copies `input` into `output`, whatever their dtypes and strides.
    """
def correlate(input: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]], output: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]], filter: CorrelateFilter, cval: typing.SupportsFloat | typing.SupportsIndex, threads: typing.SupportsInt | typing.SupportsIndex) -> None:
    """
    Correlates an array with weights; `output` shares no memory with `input`.
    """
def correlate1d(input: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]], output: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]], filters: collections.abc.Sequence[AxisFilter], cval: typing.SupportsFloat | typing.SupportsIndex, threads: typing.SupportsInt | typing.SupportsIndex) -> None:
    """
    Applies the filters in order; `output` may be `input` itself.
    """
def cpu_levels() -> list[str]:
    """
    ISA levels this build carries and this processor runs, lowest first.
    """
def default_threads(worker: bool) -> int:
    """
    Threads of a call that asks for none; `worker`: in one of several processes that share the work.
    """
def dense(input: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]], weight: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]], bias: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]] | None, output: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]], threads: typing.SupportsInt | typing.SupportsIndex) -> None:
    """
    output = input weight^T + bias. threads=0: the default number.
    """
def edt(input: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]], distances: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]] | None, indices: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]] | None, sampling: collections.abc.Sequence[typing.SupportsFloat | typing.SupportsIndex], zeros: bool, threads: typing.SupportsInt | typing.SupportsIndex) -> None:
    """
    Euclidean distances to the nearest zero, or to what is not, and where that is. threads=0: the default number.
    """
def empty(shape: collections.abc.Sequence[typing.SupportsInt | typing.SupportsIndex], dtype: numpy.dtype[typing.Any], threads: typing.SupportsInt | typing.SupportsIndex) -> numpy.ndarray[typing.Any, numpy.dtype[typing.Any]]:
    """
    A new array in C order. Its memory is kept for the next one when it is freed.
    """
def extrema1d(input: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]], output: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]], kind: ExtremumKind, windows: collections.abc.Sequence[ExtremumWindow], footprint: typing.Annotated[numpy.typing.ArrayLike, numpy.uint8] | None, heights: typing.Annotated[numpy.typing.ArrayLike, numpy.float64] | None, cval: typing.SupportsFloat | typing.SupportsIndex, residue: ExtremumResidue, a: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]] | None, b: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]] | None, threads: typing.SupportsInt | typing.SupportsIndex) -> None:
    """
    Minima or maxima of boxes, pass by pass, or of a footprint; or residues of these.
    """
def fill_touched(marks: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]], components: Components, threads: typing.SupportsInt | typing.SupportsIndex) -> None:
    """
    1 to components with a sample that is not zero there.
    """
def fma_loop(steps: typing.SupportsInt | typing.SupportsIndex) -> int:
    """
    Multiplies and adds in registers, on this thread; returns how often. For benchmarks.
    """
def label(input: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]], structure: collections.abc.Sequence[bool], zeros: bool, threads: typing.SupportsInt | typing.SupportsIndex) -> Components:
    """
    Connected components of samples that are not zero, or are. threads=0: the default number.
    """
def mapped_points(mapping: CompiledMapping, output: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]], threads: typing.SupportsInt | typing.SupportsIndex) -> None:
    """
    Writes into `output`, (grid..., image axes), what the mapping says of every grid point.
    """
def measure(input: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]], mask: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]] | None, threads: typing.SupportsInt | typing.SupportsIndex) -> tuple[int, float, float]:
    """
    Count, mean, sum of squared differences from it. threads=0: the default number.
    """
def measure_box(input: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]], threshold: typing.SupportsFloat | typing.SupportsIndex | None, threads: typing.SupportsInt | typing.SupportsIndex) -> list[tuple[int, int]]:
    """
    (first, last + 1) along each axis of what is not zero or is above a threshold; first > last where nothing is. threads=0: the default number.
    """
def measure_extremes(input: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]], mask: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]] | None, threads: typing.SupportsInt | typing.SupportsIndex) -> tuple[int, int, float, float]:
    """
    Count, how many are NaN, minimum and maximum of the others. threads=0: the default number.
    """
def measure_histogram(input: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]], mask: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]] | None, edges: typing.Annotated[numpy.typing.ArrayLike, numpy.float64], threads: typing.SupportsInt | typing.SupportsIndex) -> numpy.typing.NDArray[numpy.int64]:
    """
    Voxels between edges that rise in equal steps. threads=0: the default number.
    """
def measure_quantiles(input: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]], mask: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]] | None, quantiles: collections.abc.Sequence[typing.SupportsFloat | typing.SupportsIndex], neighbours: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]], threads: typing.SupportsInt | typing.SupportsIndex) -> tuple[int, int, list[float]]:
    """
    Writes the values on either side of each quantile; returns how many voxels count, how many of them are NaN, and the fractions between the neighbours. threads=0: the default number.
    """
def morphology(input: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]], mask: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]] | None, output: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]], steps: collections.abc.Sequence[MorphologyStep], threads: typing.SupportsInt | typing.SupportsIndex) -> None:
    """
    Erodes and dilates what is not zero. threads=0: the default number.
    """
def n4(samples: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]], mask: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]] | None, weights: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]] | None, input: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]], output: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]], field: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]] | None, options: N4Options, callback: collections.abc.Callable[[int, int, float], None] | None, threads: typing.SupportsInt | typing.SupportsIndex) -> N4Fit:
    """
    Fits the log field of 1 to 3 axes to the samples; output = input / field, both written to. threads=0: the default number.
    """
def n4_finish(input: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]], output: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]], mask: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]] | None, mask_label: typing.SupportsFloat | typing.SupportsIndex | None, keep_outside: bool, rescale: bool, threads: typing.SupportsInt | typing.SupportsIndex) -> None:
    """
    Stretches the output inside the mask to the range of the input; keeps the input outside. threads=0: the default number.
    """
def norm(input: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]], output: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]], weight: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]] | None, bias: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]] | None, mean: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]] | None, variance: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]] | None, moments: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]] | None, added: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]] | None, options: NormOptions, threads: typing.SupportsInt | typing.SupportsIndex) -> None:
    """
    Normalises float32 (N, C, ...); `added`, where given, is added in front of the activation. threads=0: the default number.
    """
def normalise(input: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]], mask: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]] | None, output: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]], options: NormaliseOptions, threads: typing.SupportsInt | typing.SupportsIndex) -> None:
    """
    A line and limits for every voxel. threads=0: the default number.
    """
def pool3d(input: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]], output: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]], places: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]] | None, options: PoolOptions, threads: typing.SupportsInt | typing.SupportsIndex) -> None:
    """
    Pools float32 (N, C, D, H, W); `places`, where given, gets the places of largest samples. threads=0: the default number.
    """
def push(input: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]], output: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]], map: CoordinateMap, options: WarpOptions, threads: typing.SupportsInt | typing.SupportsIndex) -> None:
    """
    The adjoint of `warp`: grid values onto the image's samples.
    """
def rank(input: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]], output: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]], options: RankOptions, threads: typing.SupportsInt | typing.SupportsIndex) -> None:
    """
    Writes the sample of that rank of the window around each voxel.
    """
def recursive_gaussian(input: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]], output: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]], options: RecursiveGaussianOptions, threads: typing.SupportsInt | typing.SupportsIndex) -> None:
    """
    Smooths along axes at a cost that does not grow with sigma; `output` may be `input` itself.
    """
def region_crossings(labels: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]], names: RegionNames, threads: typing.SupportsInt | typing.SupportsIndex) -> numpy.typing.NDArray[numpy.int64]:
    """
    For each label and each step to a neighbour above (0, 0, 0) in the order of tuples, pairs of neighbours of which one has the label; outside lies none.
    """
def region_diameters(labels: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]], names: RegionNames, matrix: typing.Annotated[numpy.typing.ArrayLike, numpy.float64], threads: typing.SupportsInt | typing.SupportsIndex) -> numpy.typing.NDArray[numpy.float64]:
    """
    The largest distance between two samples of each label, with indices mapped by a matrix; -1 of none.
    """
def region_groups(labels: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]], image: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]] | None, names: RegionNames, in_order: bool, threads: typing.SupportsInt | typing.SupportsIndex) -> RegionGroups:
    """
    How many samples each row has; `in_order`: they come as in C order. threads=0: the default number.
    """
def region_histograms(labels: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]], image: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]], names: RegionNames, edges: typing.Annotated[numpy.typing.ArrayLike, numpy.float64], threads: typing.SupportsInt | typing.SupportsIndex) -> numpy.typing.NDArray[numpy.int64]:
    """
    A row of counts for each label: edges[i] <= x < edges[i + 1], the last with both. The steps are equal.
    """
def region_quantiles(samples: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]], offsets: typing.Annotated[numpy.typing.ArrayLike, numpy.int64], quantiles: typing.Annotated[numpy.typing.ArrayLike, numpy.float64], threads: typing.SupportsInt | typing.SupportsIndex) -> tuple[numpy.ndarray[typing.Any, numpy.dtype[typing.Any]], numpy.typing.NDArray[numpy.float64], numpy.typing.NDArray[numpy.int64]]:
    """
    For each row of grouped samples, which may be reordered, and each quantile: two neighbours in the order of the values, how far the quantile lies from the first to the second; and NaN in each row, which come last.
    """
def regions(labels: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]], image: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]] | None, names: RegionNames, columns: RegionColumns, threads: typing.SupportsInt | typing.SupportsIndex) -> RegionTable:
    """
    For each label its samples, where they are, and what an image is there. threads=0: the default number.
    """
def release_memory() -> None:
    """
    Frees the memory kept for the next call.
    """
def resample(input: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]], output: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]], axes: collections.abc.Sequence[AxisSampling], options: ResampleOptions, threads: typing.SupportsInt | typing.SupportsIndex) -> None:
    """
    Interpolates `input` at the grid of `axes` into `output`.
    """
def resample_argmax(input: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]], output: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]], axes: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]], mode: Boundary, threads: typing.SupportsInt | typing.SupportsIndex) -> None:
    """
    The class with the highest score, interpolated linearly at the grid of `axes`.
    """
def resample_labels(input: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]], output: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]], axes: collections.abc.Sequence[typing.Annotated[numpy.typing.ArrayLike, numpy.float64]], options: LabelOptions, threads: typing.SupportsInt | typing.SupportsIndex) -> None:
    """
    A label map onto the grid of `axes`.
    """
def rescale(input: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]], output: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]], options: RescaleOptions, threads: typing.SupportsInt | typing.SupportsIndex) -> None:
    """
    Stored words to values. threads=0: the default number.
    """
def separable(input: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]], output: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]], terms: collections.abc.Sequence[collections.abc.Sequence[AxisFilter]], options: SeparableOptions, threads: typing.SupportsInt | typing.SupportsIndex) -> float:
    """
    Filters along axes, several of them combined at each voxel; `output` has an axis of results more, the last.
    """
def set_cache_limit(bytes: typing.SupportsInt | typing.SupportsIndex) -> None:
    """
    Keeps at most so many bytes.
    """
def set_cpu_level(level: str) -> None:
    """
    Forces an ISA level (for tests).
    """
def set_default_threads(n: typing.SupportsInt | typing.SupportsIndex) -> None:
    """
    0 returns to the environment's number.
    """
def softmax(input: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]], output: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]], axis: typing.SupportsInt | typing.SupportsIndex, threads: typing.SupportsInt | typing.SupportsIndex) -> None:
    """
    exp(input) over its sum along an axis.
    """
def spline_filter(input: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]], output: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]], options: SplineFilterOptions, threads: typing.SupportsInt | typing.SupportsIndex) -> None:
    """
    Samples to B-spline coefficients; `output` may be `input` itself.
    """
def warp(input: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]], output: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]], map: CoordinateMap, options: WarpOptions, threads: typing.SupportsInt | typing.SupportsIndex) -> None:
    """
    Interpolates `input` at the coordinates of the map for every point of `output`.
    """
def warp_labels(input: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]], output: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]], offset: typing.Annotated[numpy.typing.ArrayLike, numpy.float64], matrix: typing.Annotated[numpy.typing.ArrayLike, numpy.float64], options: LabelOptions, threads: typing.SupportsInt | typing.SupportsIndex) -> None:
    """
    A label map onto the grid whose point o lies at offset + matrix o.
    """
def within_distance(input: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]], output: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]], sampling: collections.abc.Sequence[typing.SupportsFloat | typing.SupportsIndex], radius: typing.SupportsFloat | typing.SupportsIndex, zeros: bool, threads: typing.SupportsInt | typing.SupportsIndex) -> None:
    """
    Samples no further than a radius from what is not zero, or further from all zeros. threads=0: the default number.
    """
def write_enclosed(output: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]], components: Components, axes: collections.abc.Sequence[bool], threads: typing.SupportsInt | typing.SupportsIndex) -> None:
    """
    0 to components that reach an end of one of these axes, 1 to all else.
    """
def write_labels(output: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]], components: Components, threads: typing.SupportsInt | typing.SupportsIndex) -> None:
    """
    The number of its component to each sample, else 0.
    """
def write_region_groups(labels: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]], image: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]] | None, names: RegionNames, groups: RegionGroups, samples: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]] | None, positions: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]] | None, indices: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]] | None, threads: typing.SupportsInt | typing.SupportsIndex) -> None:
    """
    Writes samples of the image; positions in C order; a row of indices for each axis. The groups are of the same labels, image and names.
    """
def write_values(output: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]], components: Components, values: typing.Annotated[numpy.typing.ArrayLike, numpy.uint8], threads: typing.SupportsInt | typing.SupportsIndex) -> None:
    """
    A value for each sample: values[0] outside the components, values[k] in that of number k.
    """
__version__: str = '0.1.0'
