# SPDX-License-Identifier: Apache-2.0
"""Every exception voxkern raises on purpose. ``VoxkernError`` is the root of them all."""

import reprlib

_BRIEF = reprlib.Repr()
_BRIEF.maxstring = _BRIEF.maxother = 80


def shown(value: object) -> str:
    """Return what was got as messages show it: the beginning, in one line."""
    return " ".join(_BRIEF.repr(value).split())


class VoxkernError(Exception):
    """Root of all voxkern errors."""


class ArgumentError(VoxkernError, ValueError):
    """An argument has a value that is not allowed. The message names argument, got, allowed."""


class ArgumentTypeError(VoxkernError, TypeError):
    """An argument has a type or dtype that is not allowed."""


class MissingPackageError(VoxkernError, ImportError):
    """An optional package is needed; the message says how to install it."""


class CudaUnavailableError(VoxkernError, RuntimeError):
    """A GPU array was given where no GPU can be used; the message says why."""


class SaveError(VoxkernError, OSError):
    """A file cannot be written: the disk is full, the folder is not writable. The old file is as it was."""


class LoadError(VoxkernError):
    """A file or folder could not become a volume."""


class FileFormatError(LoadError):
    """A file is unreadable: unknown, damaged or truncated."""


class NoImagesError(LoadError):
    """Nothing among the given files is an image."""


class SeveralSeriesError(LoadError):
    """Several volumes where one was asked for; ``.series`` lists them.

    Attributes
    ----------
    series : list of SeriesInfo
        What there is to choose from with ``series=``.
    """

    def __init__(self, message: str, series: "list[object] | None" = None) -> None:
        super().__init__(message)
        self.series = series or []


class GeometryError(LoadError):
    """Position, orientation or pixel spacing is missing or impossible."""


class IrregularSpacingError(GeometryError):
    """The slices do not lie at equal distances; the message names positions and gaps."""


class UnsupportedSeriesError(LoadError):
    """A valid series of a kind this version does not read."""


class VoxkernWarning(UserWarning):
    """Root of all voxkern warnings; `voxkern.ndimage` has scipy's besides."""


class LoadWarning(VoxkernWarning):
    """Files were left out, or read as they were not quite meant."""


class GeometryWarning(LoadWarning):
    """Where the voxels lie is not what one may expect: assumed, unknown, or sheared."""


class IntensityWarning(VoxkernWarning):
    """Voxels have values that a function cannot use."""
