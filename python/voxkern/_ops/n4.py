# SPDX-License-Identifier: Apache-2.0
"""``n4_bias_field_correction``: the smooth multiplicative field of a scan, found and divided out.

Everything about axes is settled here: which samples the fit sees, and where they and the voxels of
the full image lie in the spline's domain. The kernel knows positions in that domain only.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .. import _core
from .._runtime import backend, validate
from .._runtime.errors import ArgumentError, ArgumentTypeError
from .._space.volume import Volume
from .intensity import otsu_threshold

N4Callback = Callable[[int, int, float], None]

COMPAT = ("itk", "exact")
ALIGNMENTS = ("stretched", "physical")
OUTSIDE = ("corrected", "input")


def _preset(**settings: Any) -> Mapping[str, Any]:
    return MappingProxyType(settings)


N4_PRESETS: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        # SimpleITK's filter as it comes.
        "simpleitk": _preset(maximum_number_of_iterations=(50,) * 4, convergence_threshold=1e-3),
        # ants.n4_bias_field_correction; the N4BiasFieldCorrection program has threshold 0 instead.
        "ants": _preset(
            shrink_factor=4,
            maximum_number_of_iterations=(50,) * 4,
            convergence_threshold=1e-7,
            mesh=1,
            outside="input",
        ),
        # The second, anatomical pass of fMRIPrep; give the white matter probability as weights.
        "fmriprep": _preset(
            shrink_factor=4,
            maximum_number_of_iterations=(50,) * 5,
            convergence_threshold=1e-7,
            spline_distance=200.0,
        ),
        # MRIQC; give the brain mask as weights.
        "mriqc": _preset(
            shrink_factor=4, maximum_number_of_iterations=(50,) * 4, convergence_threshold=0.0, mesh=1
        ),
        # The BraTS pipeline of FeTS and CaPTk.
        "fets": _preset(
            mask="otsu",
            otsu_bins=10,
            shrink_factor=4,
            maximum_number_of_iterations=(25,) * 4,
            convergence_threshold=1e-7,
        ),
        # FastSurfer without a brain mask; with one, give it as mask.
        "fastsurfer": _preset(
            mask="otsu", shrink_factor=4, maximum_number_of_iterations=(50,) * 4, convergence_threshold=0.0
        ),
    }
)
"""Settings that pipelines use: ``n4_bias_field_correction(x, **N4_PRESETS["ants"])``."""


class N4Iteration(NamedTuple):
    """One line of the trace: iterations count from 1, levels from 0, as ITK reports them."""

    level: int
    iteration: int
    convergence: float


@dataclass(frozen=True)
class N4Details:
    """What `n4_bias_field_correction` did.

    Attributes
    ----------
    log_field_lattice : ndarray
        B-spline coefficients of the log field at the last level, in the order of the array's axes.
    trace : tuple of N4Iteration
        Level, iteration and convergence measure of every iteration.
    voxels : int
        Samples that took part.
    """

    log_field_lattice: NDArray[np.float32]
    trace: tuple[N4Iteration, ...]
    voxels: int

    @property
    def iterations(self) -> tuple[int, ...]:
        """Iterations made at each level."""
        levels = max(step.level for step in self.trace) + 1
        return tuple(sum(step.level == level for step in self.trace) for level in range(levels))


@dataclass(frozen=True)
class _Axis:
    """One axis: the samples the fit sees, and the domain (first, step, total) of them and of all voxels."""

    samples: slice
    sample_domain: tuple[float, float, int]
    voxel_domain: tuple[float, float, int]
    control_points: int


def _plan_axis(n: int, shrink: int, spans: int, order: int, pad: tuple[int, int], alignment: str) -> _Axis:
    """Lay out one axis of n voxels that ANTs would pad by ``pad`` and then shrink.

    The padding itself never takes part in the fit; it only moves the samples within the domain.
    """
    before, after = pad
    padded = n + before + after
    total = max(padded // shrink, 1)
    # ITK's ShrinkImageFilter: subsampling with the centres aligned, halves up. Where the padding makes
    # the region start at a negative index, it clamps the offset at 0.
    centred = -before + math.floor(((padded - 1) - (total - 1) * shrink) / 2 + 0.5)
    region = math.ceil(-before / shrink) * shrink
    first = region + max(0, centred - region)  # voxel of sample 0
    low = max(0, math.ceil(-first / shrink))
    high = min(total - 1, (n - 1 - first) // shrink)
    samples = slice(first + low * shrink, first + high * shrink + 1, shrink)
    if alignment == "stretched":  # ITK, SimpleITK and ANTs put the lattice end to end over all voxels
        voxel_domain = (float(before), 1.0, padded)
    else:
        voxel_domain = (-first / shrink, 1.0 / shrink, total)
    return _Axis(samples, (float(low), 1.0, total), voxel_domain, spans + order)


def _padding(n: int, spacing: float, distance: float) -> tuple[int, tuple[int, int]]:
    """Return spans and padding as ANTs chooses them for knots ``distance`` mm apart."""
    extent = (n - 1) * spacing
    spans = max(math.ceil(extent / distance), 1)
    extra = int((spans * distance - extent) / spacing + 0.5)
    return spans, (extra // 2, extra - extra // 2)


def _plan_axes(
    shape: tuple[int, ...],
    spacing: Sequence[float] | None,
    order: int,
    shrink_factor: Any,
    number_of_control_points: Any,
    mesh: Any,
    spline_distance: Any,
    alignment: str,
) -> list[_Axis]:
    ndim = len(shape)
    if mesh is not None and spline_distance is not None:
        raise ArgumentError("mesh, spline_distance: got both, allowed one of them")
    shrink = validate.per_axis(shrink_factor, ndim, "shrink_factor", int)
    if min(shrink) < 1:
        raise ArgumentError(f"shrink_factor: got {shrink_factor!r}, allowed at least 1")
    pads = [(0, 0)] * ndim
    if spline_distance is not None:
        if spacing is None:
            raise ArgumentError(
                "spline_distance: got a bare array, allowed a Volume (an array has no millimetres)"
            )
        distance = validate.per_axis(spline_distance, ndim, "spline_distance")
        if min(distance) <= 0:
            raise ArgumentError(f"spline_distance: got {spline_distance!r}, allowed positive millimetres")
        layout = [_padding(*axis) for axis in zip(shape, spacing, distance, strict=True)]
        spans = [s for s, _ in layout]
        pads = [p for _, p in layout]
    elif mesh is not None:
        spans = list(validate.per_axis(mesh, ndim, "mesh", int))
        if min(spans) < 1:
            raise ArgumentError(f"mesh: got {mesh!r}, allowed at least 1")
    else:
        points = validate.per_axis(number_of_control_points, ndim, "number_of_control_points", int)
        if min(points) <= order:
            raise ArgumentError(
                f"number_of_control_points: got {number_of_control_points!r}, allowed at least {order + 1} "
                f"for spline order {order}"
            )
        spans = [p - order for p in points]
    return [
        _plan_axis(n, s, k, order, pad, alignment)
        for n, s, k, pad in zip(shape, shrink, spans, pads, strict=True)
    ]


def _settings(
    iterations: Any, threshold: float, order: int, bins: int, fwhm: float, noise: float, compat: str
) -> dict[str, Any]:
    levels = (iterations,) if isinstance(iterations, int | np.integer) else tuple(iterations)
    if not levels or any(int(n) != n or n < 0 for n in levels) or levels[0] < 1:
        raise ArgumentError(
            f"maximum_number_of_iterations: got {iterations!r}, allowed whole numbers, the first at least 1"
        )
    if not (math.isfinite(threshold) and threshold >= 0):
        raise ArgumentError(f"convergence_threshold: got {threshold!r}, allowed 0 and more")
    if order not in (1, 2, 3, 4, 5):
        raise ArgumentError(f"spline_order: got {order!r}, allowed 1 to 5")
    if not (int(bins) == bins and 2 <= bins <= 65536):
        raise ArgumentError(f"number_of_histogram_bins: got {bins!r}, allowed 2 to 65536")
    for name, value in (
        ("bias_field_full_width_at_half_maximum", fwhm),
        ("wiener_filter_noise", noise),
    ):
        if not (math.isfinite(value) and value > 0):
            raise ArgumentError(f"{name}: got {value!r}, allowed positive numbers")
    if compat not in COMPAT:
        raise ArgumentError(f"compat: got {compat!r}, allowed {', '.join(COMPAT)}")
    return {
        "iterations": [int(n) for n in levels],
        "convergence_threshold": float(threshold),
        "spline_order": int(order),
        "bins": int(bins),
        "fwhm": float(fwhm),
        "noise": float(noise),
        "itk": compat == "itk",
    }


def _like_image(value: Any, name: str, x: Any, array: validate.Array) -> validate.Array:
    """Return a mask or weights as an array of the image's shape, or of one of its volumes."""
    if isinstance(value, Volume):
        if isinstance(x, Volume) and not np.allclose(value.affine, x.affine, atol=1e-2):
            raise ArgumentError(
                f"{name}: got another geometry than x, allowed the same affine within 0.01 mm"
            )
        value = value.data
    result = validate.kernel_array(value, name)
    if result.shape not in (array.shape, array.shape[:3]):
        raise ArgumentError(f"{name}: got shape {result.shape}, allowed {array.shape}")
    return result


def _finish(
    corrected: validate.Array,
    array: validate.Array,
    inside: validate.Array | None,
    outside: str,
    rescale: bool,
) -> None:
    """Do what ANTs does after the division: keep the input outside the mask, stretch to its range."""
    where: Any = True if inside is None else inside
    if rescale:
        spread = [
            float(f(a, where=where, initial=i))
            for a in (array, corrected)
            for f, i in ((np.min, np.inf), (np.max, -np.inf))
        ]
        low, high, new_low, new_high = spread
        scale = (high - low) / (new_high - new_low) if new_high > new_low else 1.0
        np.subtract(corrected, new_high, out=corrected, where=where)
        np.multiply(corrected, scale, out=corrected, where=where, casting="same_kind")
        np.add(corrected, high, out=corrected, where=where)
    if outside == "input" and inside is not None:
        np.copyto(corrected, array, where=~inside, casting="unsafe")


def n4_bias_field_correction(
    x: Any,
    mask: Any = None,
    *,
    weights: Any = None,
    mask_label: float | None = None,
    otsu_bins: int = 200,
    shrink_factor: Any = 1,
    maximum_number_of_iterations: int | Sequence[int] = (50, 50, 50, 50),
    convergence_threshold: float = 0.001,
    number_of_control_points: Any = 4,
    mesh: Any = None,
    spline_distance: Any = None,
    spline_order: int = 3,
    number_of_histogram_bins: int = 200,
    bias_field_full_width_at_half_maximum: float = 0.15,
    wiener_filter_noise: float = 0.01,
    compat: str = "itk",
    field_alignment: str = "stretched",
    outside: str = "corrected",
    mean_preserving: bool = False,
    rescale: bool = False,
    return_field: bool = False,
    return_details: bool = False,
    callback: N4Callback | None = None,
    threads: int | None = None,
) -> Any:
    """Estimate the smooth field that multiplies an MR scan, and divide it out: N4.

    The defaults are those of ``SimpleITK.N4BiasFieldCorrectionImageFilter`` and stop after the same
    iterations. The result is the same for any number of threads.

    Parameters
    ----------
    x : Volume or array_like
        2-D to 4-D, any integer or float dtype (float16 is copied to float32 first). The fourth axis
        holds volumes that are corrected one by one.
    mask : Volume, array_like or "otsu", optional
        Voxels that count: non-zero ones, of any dtype (or see `mask_label`). "otsu": those above
        Otsu's threshold. Default: all. The field is divided out everywhere (or see `outside`).
    weights : Volume or array_like, optional
        Confidence in each voxel, 0 and more; 0 leaves it out. ITK's confidence image.
    mask_label : float, optional
        Only voxels where the mask equals this count.
    otsu_bins : int
        Histogram bins of ``mask="otsu"``.
    shrink_factor : int or sequence
        The fit sees every n-th voxel; the field is that of the full grid all the same.
    maximum_number_of_iterations : int or sequence
        One number per level; each level halves the distance of the spline's knots.
    convergence_threshold : float
        A level ends once the coefficient of variation of the ratio of two successive fields is not
        above this. 0: never.
    number_of_control_points : int or sequence
        Per axis of the array, at the first level; at least ``spline_order + 1``.
    mesh : int or sequence, optional
        The same in spans between knots (ANTs' ``-b [1x1x1]``).
    spline_distance : float or sequence, optional
        The same as millimetres between knots (ANTs' ``-b [200]``); needs a Volume. Places the knots as
        ANTs does, without its padding in memory.
    spline_order : int
        1 to 5.
    number_of_histogram_bins, bias_field_full_width_at_half_maximum, wiener_filter_noise
        Of the sharpening step; the width is in log intensity.
    compat : {"itk", "exact"}
        "itk" follows ITK 5.4 in what decides when to stop and which bins count. Voxels <= 0 inside the
        mask keep their value in place of a logarithm, as there. "exact" uses the true minimum and
        coefficient of variation and leaves such voxels out. Either way one warning names them.
    field_alignment : {"stretched", "physical"}
        With a shrink factor: "stretched" lays the lattice end to end over the full grid, as ITK and
        ANTs do; "physical" evaluates it where the samples were, up to half a shrunk voxel elsewhere.
    outside : {"corrected", "input"}
        What stands outside the mask: the field divided out as well (ITK), or the input (ANTs).
    mean_preserving : bool
        Shift the log field to mean 0 over the voxels that took part. ITK leaves its scale to chance.
    rescale : bool
        Stretch the corrected values inside the mask to the range of the input there (ANTs' ``-r``).
    return_field, return_details : bool
        Return the field, and an `N4Details`, after the corrected image.
    callback : callable, optional
        Called as ``callback(level, iteration, convergence)`` after each iteration. An exception it
        raises ends the call.
    threads : int, optional
        Default: see `set_num_threads`.

    Returns
    -------
    corrected : Volume or array
        ``x / field``: the kind of ``x``, float64 for float64, else float32.
    field : Volume or array
        With ``return_field``: float32, full resolution.
    details : N4Details
        With ``return_details``; a list of them for 4-D input.

    Raises
    ------
    ArgumentError
        Empty mask, NaN or infinity inside it, nothing positive, a constant image, shapes that differ.

    Notes
    -----
    N. J. Tustison et al., "N4ITK: improved N3 bias correction", IEEE Trans. Med. Imaging 29 (2010).
    Extra memory beyond corrected image and field: 0.2 bytes per voxel, 4 more with weights, 1 more with
    Otsu's mask, 1 or 2 more with ``rescale`` or ``outside="input"`` and a mask.

    Voxels are visited in memory order, as ITK visits them. The convergence measure of "itk" depends on
    it, so an array and its transpose may stop an iteration apart.

    Examples
    --------
    >>> import numpy as np, voxkern as vk
    >>> i, j, k = np.indices((40, 48, 44)) / 20 - 1
    >>> head = np.where(i**2 + j**2 + k**2 < 0.5, 140.0, 90.0)
    >>> scan = head * np.exp(0.2 * j)
    >>> corrected, field = vk.n4_bias_field_correction(scan, return_field=True)
    >>> ratio = field / np.exp(0.2 * j)
    >>> bool(ratio.std() / ratio.mean() < 0.02)
    True
    """
    volume = x if isinstance(x, Volume) else None
    data = volume.data if volume is not None else x
    if backend.is_gpu_array(data):
        backend.require_cuda("x")
    wider = {"e": np.float32, "g": np.float64}.get(np.asarray(data).dtype.char)  # half and long double
    array = validate.kernel_array(data if wider is None else np.asarray(data, wider), "x")
    if array.ndim not in (2, 3, 4) or array.size == 0:
        raise ArgumentError(f"x: got shape {array.shape}, allowed 2 to 4 axes and at least two voxels")
    if field_alignment not in ALIGNMENTS:
        raise ArgumentError(f"field_alignment: got {field_alignment!r}, allowed {', '.join(ALIGNMENTS)}")
    if outside not in OUTSIDE:
        raise ArgumentError(f"outside: got {outside!r}, allowed {', '.join(OUTSIDE)}")
    if callback is not None and not callable(callback):
        raise ArgumentTypeError(f"callback: got {type(callback).__name__}, allowed a callable")
    common = _settings(
        maximum_number_of_iterations,
        convergence_threshold,
        spline_order,
        number_of_histogram_bins,
        bias_field_full_width_at_half_maximum,
        wiener_filter_noise,
        compat,
    )
    axes = _plan_axes(
        array.shape[:3],
        volume.spacing if volume is not None else None,
        spline_order,
        shrink_factor,
        number_of_control_points,
        mesh,
        spline_distance,
        field_alignment,
    )
    options = _core.N4Options(
        axes=[a.sample_domain for a in axes],
        control_points=[a.control_points for a in axes],
        mask_label=mask_label,
        watched=callback is not None or return_details,
        **common,
    )
    if isinstance(mask, str):
        if mask != "otsu":
            raise ArgumentError(f"mask: got {mask!r}, allowed an array or 'otsu'")
        marked: validate.Array | None = array > otsu_threshold(array, otsu_bins)
    else:
        marked = None if mask is None else _like_image(mask, "mask", x, array)
    if mask_label is not None and marked is None:
        raise ArgumentError("mask_label: got no mask to look it up in, allowed with one")
    weight = None if weights is None else _like_image(weights, "weights", x, array)

    dtype = np.float64 if array.dtype == np.float64 else np.float32
    corrected = np.empty_like(array, dtype=dtype)
    field = np.empty_like(array, dtype=np.float32) if return_field else None
    details = []
    not_positive = 0
    for part in _volumes(array.ndim, array.shape):
        scan, target = array[part], corrected[part]
        here = None if marked is None else marked[part[: marked.ndim]]
        confidence = None if weight is None else weight[part[: weight.ndim]]
        samples = tuple(a.samples for a in axes)
        fit = _core.n4(
            scan[samples],
            None if here is None else here[samples],
            None if confidence is None else confidence[samples],
            target,
            options,
            callback,
            validate.thread_count(threads),
        )
        lattice = fit.lattice
        if mean_preserving:
            lattice -= np.float32(fit.mean_log_field)
        _core.n4_divide(
            scan,
            target,
            None if field is None else field[part],
            lattice,
            spline_order,
            [a.voxel_domain for a in axes],
            validate.thread_count(threads),
        )
        if rescale or outside == "input":
            inside = None if here is None else (here == mask_label if mask_label is not None else here != 0)
            _finish(target, scan, inside, outside, rescale)
        not_positive += fit.not_positive
        details.append(N4Details(lattice, tuple(N4Iteration(*step) for step in fit.trace), fit.voxels))
    if not_positive:
        what = "take part with their value in place of a logarithm" if compat == "itk" else "are left out"
        warnings.warn(
            f"{not_positive} voxels inside the mask are 0 or less: they have no logarithm and {what}",
            stacklevel=2,
        )

    results: list[Any] = [corrected if volume is None else volume.with_data(corrected)]
    if field is not None:
        results.append(field if volume is None else volume.with_data(field))
    if return_details:
        results.append(details if array.ndim == 4 else details[0])
    return results[0] if len(results) == 1 else tuple(results)


def _volumes(ndim: int, shape: tuple[int, ...]) -> list[tuple[Any, ...]]:
    """Return the index of each volume: a fit of its own, with its own lattice and trace."""
    whole = (slice(None),) * min(ndim, 3)
    return [whole] if ndim < 4 else [(*whole, t) for t in range(shape[3])]
