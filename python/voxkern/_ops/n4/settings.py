# SPDX-License-Identifier: Apache-2.0
"""Settings of the correction: the ones pipelines use, and the checks of all of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Literal, TypeAlias, TypedDict, get_args

import numpy as np

from ..._runtime import validate
from ..._runtime.errors import ArgumentError, ArgumentTypeError, shown

N4Callback = Callable[[int, int, float], None]
Compat: TypeAlias = Literal["itk", "exact"]
Alignment: TypeAlias = Literal["stretched", "physical"]
Outside: TypeAlias = Literal["corrected", "input"]


class N4Settings(TypedDict, total=False):
    """Keyword arguments of `n4_bias_field_correction` that do not change what it returns."""

    weights: Any
    mask_label: float | None
    otsu_bins: int
    shrink_factor: Any
    maximum_number_of_iterations: int | Sequence[int]
    convergence_threshold: float
    number_of_control_points: Any
    mesh: Any
    spline_distance: Any
    spline_order: int
    number_of_histogram_bins: int
    bias_field_full_width_at_half_maximum: float
    wiener_filter_noise: float
    compat: Compat
    field_alignment: Alignment
    outside: Outside
    mean_preserving: bool
    rescale: bool
    callback: N4Callback | None
    threads: int | None


COMPAT: tuple[str, ...] = get_args(Compat)
ALIGNMENTS: tuple[str, ...] = get_args(Alignment)
OUTSIDE: tuple[str, ...] = get_args(Outside)
_WIDEST = 90.0  # no two float32 numbers are further apart in log intensity
_OF_THE_CALLER = {"return_field", "return_details", "threads"}


def _preset(**settings: Any) -> Mapping[str, Any]:
    return MappingProxyType(settings)


N4_PRESETS: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        # SimpleITK's filter as it comes (2.5.7). Of a mask that counts only voxels equal to 1: give
        # mask_label=1 too. It stands in no preset, because it is an error without a mask.
        "simpleitk": _preset(maximum_number_of_iterations=(50,) * 4, convergence_threshold=1e-3),
        # ants.n4_bias_field_correction of antspyx 0.6.3; the N4BiasFieldCorrection program has threshold 0.
        "ants": _preset(
            shrink_factor=4,
            maximum_number_of_iterations=(50,) * 4,
            convergence_threshold=1e-7,
            mesh=1,
            outside="input",
        ),
        # The second, anatomical pass of fMRIPrep (niworkflows d991644f); give the white matter probability
        # as weights.
        "fmriprep": _preset(
            shrink_factor=4,
            maximum_number_of_iterations=(50,) * 5,
            convergence_threshold=1e-7,
            spline_distance=200.0,
        ),
        # MRIQC (fbc90479); give the brain mask as weights.
        "mriqc": _preset(
            shrink_factor=4, maximum_number_of_iterations=(50,) * 4, convergence_threshold=0.0, mesh=1
        ),
        # The BraTS pipeline of CaPTk (cce88180) and FeTS (Front-End 70d94d8).
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


def correction_settings(choice: bool | str | Mapping[str, Any], **given: Any) -> dict[str, Any] | None:
    """Return keyword arguments of `n4_bias_field_correction`; None for no correction.

    ``choice`` is True (the whole resolution within Otsu's mask), a name of `N4_PRESETS`, or such arguments.
    What is ``given`` and not None takes precedence.
    """
    if isinstance(choice, str):
        if choice not in N4_PRESETS:
            raise ArgumentError(f"n4: got {shown(choice)}, allowed {', '.join(N4_PRESETS)}")
        settings = dict(N4_PRESETS[choice])
    elif isinstance(choice, Mapping):
        wrong = sorted(_OF_THE_CALLER & set(choice))
        if wrong:
            raise ArgumentError(f"n4: got {', '.join(wrong)}, allowed settings of the correction itself")
        unknown = set(choice) - set(N4Settings.__annotations__) - {"mask"}
        if unknown:
            raise ArgumentError(
                f"n4: got {shown(sorted(map(str, unknown)))}, allowed keywords of n4_bias_field_correction"
            )
        settings = dict(choice)
    elif validate.flag(choice, "n4"):
        settings = {"mask": "otsu"}
    else:
        return None
    settings.update({name: value for name, value in given.items() if value is not None})
    if given.get("spline_distance") is not None:
        settings.pop("mesh", None)  # says the same in spans
    return settings


def check_choices(field_alignment: str, outside: str, otsu_bins: int, callback: Any) -> None:
    """Refuse unknown words, too few bins and a callback that cannot be called."""
    validate.word(field_alignment, "field_alignment", ALIGNMENTS)
    validate.word(outside, "outside", OUTSIDE)
    if validate.whole_number(otsu_bins, "otsu_bins") < 2:
        raise ArgumentError(f"otsu_bins: got {otsu_bins}, allowed at least 2")
    if callback is not None and not callable(callback):
        raise ArgumentTypeError(f"callback: got {type(callback).__name__}, allowed a callable")


def fit_settings(
    iterations: Any, threshold: float, order: int, bins: int, fwhm: float, noise: float, compat: str
) -> dict[str, Any]:
    """Return what the kernel takes of the public arguments, checked."""
    given = iterations if np.iterable(iterations) and not isinstance(iterations, str) else (iterations,)
    levels = [validate.whole_number(n, "maximum_number_of_iterations") for n in given]
    if not levels or min(levels) < 0 or max(levels) >= 2**31 or levels[0] < 1:
        raise ArgumentError(
            f"maximum_number_of_iterations: got {shown(iterations)}, allowed whole numbers, the first not 0"
        )
    threshold = validate.number(threshold, "convergence_threshold")
    if not (math.isfinite(threshold) and threshold >= 0):
        raise ArgumentError(f"convergence_threshold: got {shown(threshold)}, allowed 0 and more")
    order = validate.whole_number(order, "spline_order")
    if not 1 <= order <= 5:
        raise ArgumentError(f"spline_order: got {shown(order)}, allowed 1 to 5")
    bins = validate.whole_number(bins, "number_of_histogram_bins")
    if not 2 <= bins <= 65536:
        raise ArgumentError(f"number_of_histogram_bins: got {shown(bins)}, allowed 2 to 65536")
    for name, value, most in (
        ("bias_field_full_width_at_half_maximum", fwhm, _WIDEST),
        ("wiener_filter_noise", noise, math.inf),
    ):
        if not 0 < validate.number(value, name) < most:
            raise ArgumentError(f"{name}: got {shown(value)}, allowed numbers above 0 and below {most:g}")
    validate.word(compat, "compat", COMPAT)
    return {
        "iterations": levels,
        "convergence_threshold": threshold,
        "spline_order": order,
        "bins": bins,
        "fwhm": float(fwhm),
        "noise": float(noise),
        "itk": compat == "itk",
    }
