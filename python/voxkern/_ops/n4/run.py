# SPDX-License-Identifier: Apache-2.0
"""``n4_bias_field_correction``: the smooth multiplicative field of a scan, found and divided out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from inspect import signature
from typing import Any, Literal, NamedTuple, Unpack, overload

import numpy as np

from ..._core import N4Fit, N4Options
from ..._runtime import validate
from ..._runtime.call import Call
from ..._runtime.errors import ArgumentError, IntensityWarning, shown
from ..._runtime.signals import warn
from ..._runtime.texts import documented
from ..._runtime.validate import Array, flag, word
from ..._space.kinds import Image
from ..measure import otsu_of
from .plan import Axis, plan_axes, read_knots
from .settings import Alignment, Compat, N4Callback, N4Settings, Outside, check_choices, fit_settings
from .trace import N4Details, N4Iteration

_WIDENED = {"e": np.float32, "g": np.float64}  # half and long double


@overload
def n4_bias_field_correction(
    x: Image,
    mask: Any = None,
    *,
    return_field: Literal[False] = False,
    return_details: Literal[False] = False,
    **settings: Unpack[N4Settings],
) -> Image: ...
@overload
def n4_bias_field_correction(
    x: Image,
    mask: Any = None,
    *,
    return_field: Literal[True],
    return_details: Literal[False] = False,
    **settings: Unpack[N4Settings],
) -> tuple[Image, Image]: ...
@overload
def n4_bias_field_correction(
    x: Any,
    mask: Any = None,
    *,
    return_field: bool = False,
    return_details: bool = False,
    **settings: Unpack[N4Settings],
) -> Any: ...
@documented
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
    compat: Compat = "itk",
    field_alignment: Alignment = "stretched",
    outside: Outside = "corrected",
    mean_preserving: bool = False,
    rescale: bool = False,
    return_field: bool = False,
    return_details: bool = False,
    callback: N4Callback | None = None,
    threads: int | None = None,
) -> Any:
    """Estimate the smooth field that multiplies an MR scan, and divide it out: N4.

    Defaults are those of ``SimpleITK.N4BiasFieldCorrectionImageFilter``, but for the mask's label (see
    Notes), and images in 3-D stop after the same iterations. The result is the same for any number of
    threads.

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
    number_of_histogram_bins, bias_field_full_width_at_half_maximum, wiener_filter_noise : int, float, float
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
        Shift the log field to mean 0 over the voxels that took part. ITK does not fix its scale.
    rescale : bool
        Stretch the corrected values inside the mask to the range of the input there (ANTs' ``-r``).
    return_field, return_details : bool
        Return the field, and an `N4Details`, after the corrected image.
    callback : callable, optional
        Called as ``callback(level, iteration, convergence)`` after each iteration. An exception it
        raises ends the call.
    {threads}

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

    Two things are not SimpleITK's. There, voxels count where the mask is 1 (``UseMaskLabel``, ``MaskLabel``):
    ``mask_label=1``. Here, they count where it is not zero: ``SetUseMaskLabel(False)``. And numbers per axis
    (`number_of_control_points`, `shrink_factor`) are in the order of the array, the reverse of SimpleITK's.

    Extra memory beyond corrected image and field: 0.2 bytes per voxel, 4 more with weights, 1 more with
    Otsu's mask. On a GPU 1 to 2 bytes per voxel, 4 more with weights.

    A GPU array is corrected where it lives. The call waits for the device once, for the counts that tell bad
    input; with `return_details` once more at the end, with `callback` after each iteration, and twice for
    Otsu's mask, whose threshold NumPy finds in a histogram.

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
    call = Call("n4_bias_field_correction", "n4", threads=threads)
    image = call.enter(x, "x", widened=_WIDENED)
    if image.ndim not in (2, 3, 4) or image.size == 0:
        raise ArgumentError(f"x: got shape {image.shape}, allowed 2 to 4 axes and at least two voxels")
    check_choices(field_alignment, outside, otsu_bins, callback)
    mean_preserving, rescale = flag(mean_preserving, "mean_preserving"), flag(rescale, "rescale")
    return_field, return_details = flag(return_field, "return_field"), flag(return_details, "return_details")
    common = fit_settings(
        maximum_number_of_iterations,
        convergence_threshold,
        spline_order,
        number_of_histogram_bins,
        bias_field_full_width_at_half_maximum,
        wiener_filter_noise,
        compat,
    )
    shape = image.shape[:3]
    knots = read_knots(
        len(shape), common["spline_order"], shrink_factor, number_of_control_points, mesh, spline_distance
    )
    spacing = None if call.volume is None else call.volume.spacing
    axes = plan_axes(knots, shape, spacing, field_alignment)
    if mask_label is not None:
        mask_label = validate.number(mask_label, "mask_label")
    options = N4Options(
        control_points=[a.control_points for a in axes],
        axes=[a.sample_domain for a in axes],
        voxel_axes=[a.voxel_domain for a in axes],
        mean_preserving=mean_preserving,
        watched=callback is not None or return_details,
        mask_label=mask_label,
        **common,
    )
    region = _region(call, image, mask, mask_label, otsu_bins, weights)
    corrected = call.output(
        None, image.shape, image, dtype=np.float64 if image.dtype == np.float64 else np.float32
    )
    field = call.output(None, image.shape, image, dtype=np.float32) if return_field else None
    details = []
    not_positive = 0
    for volume in _volumes(image.shape):
        scan, target, part = image[volume], corrected[volume], region.of(volume)
        into = None if field is None else field[volume]
        fit = _correct(call, scan, part, axes, options, target, into, callback)
        if rescale or outside == "input":
            call.run("n4_finish", scan, target, part.mask, part.label, outside == "input", rescale)
        not_positive += fit.not_positive
        if return_details:
            trace = tuple(N4Iteration(*step) for step in fit.trace)
            details.append(N4Details(fit.lattice, trace, fit.voxels))
    if not_positive:
        what = "take part with their value in place of a logarithm" if compat == "itk" else "are left out"
        warn(
            f"{not_positive} voxels inside the mask are 0 or less: they have no logarithm and {what}",
            IntensityWarning,
        )
    results = [call.leave(corrected)]
    if field is not None:
        results.append(call.leave(field))
    if return_details:
        results.append(details if image.ndim == 4 else details[0])
    return results[0] if len(results) == 1 else tuple(results)


def check_settings(settings: Mapping[str, Any]) -> None:
    """Refuse what the correction would refuse of its settings for any Volume."""
    allowed = signature(n4_bias_field_correction).parameters
    of = {name: parameter.default for name, parameter in allowed.items()} | dict(settings)
    check_choices(of["field_alignment"], of["outside"], of["otsu_bins"], of["callback"])
    for name in ("mean_preserving", "rescale"):
        flag(of[name], name)
    if isinstance(of["mask"], str):
        word(of["mask"], "mask", ("otsu",))
    common = fit_settings(
        of["maximum_number_of_iterations"],
        of["convergence_threshold"],
        of["spline_order"],
        of["number_of_histogram_bins"],
        of["bias_field_full_width_at_half_maximum"],
        of["wiener_filter_noise"],
        of["compat"],
    )
    read_knots(
        3, common["spline_order"], of["shrink_factor"], of["number_of_control_points"], of["mesh"],
        of["spline_distance"],
    )  # fmt: skip


class _Region(NamedTuple):
    """The voxels that count: non-zero ones of the mask, or those of one label, each with its weight."""

    mask: Array | None
    label: float | None
    weights: Array | None

    def of(self, index: tuple[Any, ...]) -> _Region:
        """Return the region of a part of the image; mask and weights may be those of every volume."""
        mask, weights = (
            None if array is None else array[index[: array.ndim]] for array in (self.mask, self.weights)
        )
        return _Region(mask, self.label, weights)


def _region(
    call: Call, image: Array, mask: Any, mask_label: float | None, otsu_bins: int, weights: Any
) -> _Region:
    if isinstance(mask, str):
        if mask != "otsu":
            raise ArgumentError(f"mask: got {shown(mask)}, allowed an array or 'otsu'")
        marked: Array | None = image > otsu_of(call, image, None, otsu_bins, "itk")
    else:
        marked = _like_image(call, mask, "mask", image)
    if mask_label is not None and marked is None:
        raise ArgumentError("mask_label: got no mask to look it up in, allowed with one")
    return _Region(marked, mask_label, _like_image(call, weights, "weights", image))


def _like_image(call: Call, value: Any, name: str, image: Array) -> Array | None:
    """Return a mask or weights as an array of the image's shape, or of one of its volumes."""
    if value is None:
        return None
    array = call.enter_beside(value, name)
    if array.shape not in (image.shape, image.shape[:3]):
        raise ArgumentError(f"{name}: got shape {array.shape}, allowed {image.shape}")
    return array


def _correct(
    call: Call,
    scan: Array,
    region: _Region,
    axes: Sequence[Axis],
    options: N4Options,
    corrected: Array,
    field: Array | None,
    callback: N4Callback | None,
) -> N4Fit:
    """Fit the log field of a volume to the samples the axes name, and divide it out of all voxels."""
    samples = tuple(a.samples for a in axes)
    seen = region.of(samples)
    fit: N4Fit = call.run(
        "n4", scan[samples], seen.mask, seen.weights, scan, corrected, field, options, callback
    )
    return fit


def _volumes(shape: tuple[int, ...]) -> list[tuple[Any, ...]]:
    """Return the index of each volume: a fit of its own, with its own lattice and trace."""
    whole = (slice(None),) * min(len(shape), 3)
    return [whole] if len(shape) < 4 else [(*whole, t) for t in range(shape[3])]
