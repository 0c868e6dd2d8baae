"""
Compiled kernels of voxkern. Private: the public functions are in the package.
"""
from __future__ import annotations
import collections.abc
import enum
import numpy
import numpy.typing
import typing
__all__: list[str] = ['AxisFilter', 'AxisSampling', 'Boundary', 'active_cpu_level', 'available_threads', 'cached_workspace_bytes', 'correlate1d', 'cpu_levels', 'default_threads', 'release_workspace', 'resample', 'set_cpu_level', 'set_default_threads']
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
class AxisSampling:
    """
    Where the output samples of one axis lie, in input indices.
    """
    def __init__(self, coordinates: typing.Annotated[numpy.typing.ArrayLike, numpy.float64], antialias_sigma: typing.SupportsFloat | typing.SupportsIndex = 0.0) -> None:
        ...
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
def release_workspace() -> None:
    """
    Frees the temporary memory kept for the next call.
    """
def resample(input: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]], output: numpy.ndarray[typing.Any, numpy.dtype[typing.Any]], axes: collections.abc.Sequence[AxisSampling], order: typing.SupportsInt | typing.SupportsIndex, mode: Boundary, cval: typing.SupportsFloat | typing.SupportsIndex, prefilter: bool, clip: bool, threads: typing.SupportsInt | typing.SupportsIndex) -> None:
    """
    Interpolates `input` at the grid of `axes` into `output`. threads=0: the default number.
    """
def set_cpu_level(level: str) -> None:
    """
    Forces an ISA level (for tests).
    """
def set_default_threads(n: typing.SupportsInt | typing.SupportsIndex) -> None:
    """
    0 returns to the environment's number.
    """
__version__: str = '0.1.0'
