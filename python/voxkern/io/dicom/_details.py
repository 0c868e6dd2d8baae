# SPDX-License-Identifier: Apache-2.0
"""Records that need the whole header of a file: few series ask for them, so they are read on demand."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from . import _vendor as vendor
from ._file import DicomFile
from ._tags import find_group, number, private, private_number, text, whole_number, words


@dataclass(frozen=True)
class Details:
    """What tells a frame from others at its position."""

    facts: tuple[tuple[str, Any], ...]  # in the order of the axes
    moment: tuple[Any, ...]  # orders frames that no fact tells apart

    @property
    def segment(self) -> int:
        """The number of the segment it shows."""
        return int(dict(self.facts).get("segment", 0))


def details_of(file: DicomFile, groups: tuple[Any, ...], index: int) -> Details:
    """Read the details of frame ``index``; ``groups`` are its functional groups, nearest first."""
    whole = file.whole
    groups = (*groups, whole)
    content = find_group(groups, "FrameContentSequence")
    order = content.get("DimensionIndexValues") if content else None
    moment = (
        tuple(int(v) for v in order) if order is not None and hasattr(order, "__len__") else (),
        _number_or(whole, "FrameReferenceTime", -1.0),
        text(file.tags, "AcquisitionDate"),
        text(file.tags, "AcquisitionTime"),
        _number_or(file.tags, "AcquisitionNumber", 0.0),
        _number_or(file.tags, "InstanceNumber", 0.0),
        index,
    )
    trigger = number(find_group(groups, "CardiacSynchronizationSequence"), "NominalCardiacTriggerDelayTime")
    trigger = trigger if trigger is not None else number(whole, "TriggerTime")
    echo = number(find_group(groups, "MREchoSequence"), "EffectiveEchoTime")
    facts: dict[str, Any] = {
        "segment": number(find_group(groups, "SegmentIdentificationSequence"), "ReferencedSegmentNumber"),
        "time": number(content, "TemporalPositionIndex") or number(whole, "TemporalPositionIdentifier"),
        "echo": echo or number(whole, "EchoTime"),
        "b_value": _b_value(groups),
        "phase": trigger if trigger is not None else vendor.philips_phase(whole),
    }
    return Details(tuple((name, value) for name, value in facts.items() if value is not None), moment)


def _b_value(groups: tuple[Any, ...]) -> tuple[float, tuple[float, ...]] | None:
    diffusion = find_group(groups, "MRDiffusionSequence")
    if not diffusion:
        return vendor.b_value(groups[-1])
    direction = find_group((diffusion,), "DiffusionGradientDirectionSequence")
    gradient = direction.get("DiffusionGradientOrientation") if direction else None
    b = number(diffusion, "DiffusionBValue")
    return None if b is None else (b, tuple(float(v) for v in gradient or ()))


def _number_or(dataset: Any, keyword: str, default: float) -> float:
    value = number(dataset, keyword)
    return default if value is None else value


@dataclass(frozen=True)
class Tracer:
    """A radiopharmaceutical: dose in Bq, half life in s, when it was injected."""

    dose: float | None
    half_life: float | None
    start_datetime: str
    start_time: str


@dataclass(frozen=True)
class Pet:
    """What one PET file says about the way from its values to uptake."""

    units: str
    suv_type: str
    corrections: tuple[str, ...]
    decay_correction: str
    weight: float | None  # kg
    tracers: tuple[Tracer, ...]
    series: tuple[str, str]  # date and time
    ge_start: str  # GE's private start of the scan
    philips_suv: float | None  # Philips' private factor from counts to SUV
    philips_activity: float | None  # and from counts to Bq/ml


def pet_of(file: DicomFile) -> Pet:
    """Read the PET record of a file."""
    whole = file.whole
    return Pet(
        units=text(whole, "Units"),
        suv_type=text(whole, "SUVType"),
        corrections=words(whole, "CorrectedImage"),
        decay_correction=text(whole, "DecayCorrection"),
        weight=number(whole, "PatientWeight"),
        tracers=tuple(
            Tracer(
                number(item, "RadionuclideTotalDose"),
                number(item, "RadionuclideHalfLife"),
                text(item, "RadiopharmaceuticalStartDateTime"),
                text(item, "RadiopharmaceuticalStartTime"),
            )
            for item in whole.get("RadiopharmaceuticalInformationSequence") or ()
        ),
        series=(text(whole, "SeriesDate"), text(whole, "SeriesTime")),
        ge_start=str(private(whole, 0x0009, "GEMS_PETD_01", 0x0D) or ""),
        philips_suv=private_number(whole, 0x7053, "Philips PET Private Group", 0x00),
        philips_activity=private_number(whole, 0x7053, "Philips PET Private Group", 0x09),
    )


@dataclass(frozen=True)
class Segmentation:
    """What a segmentation says about all of its frames."""

    kind: str  # BINARY, FRACTIONAL or LABELMAP
    maximum: float  # the stored value of a whole voxel, in a fractional one
    labels: tuple[tuple[int, str], ...]  # number and label of every segment


def segmentation_of(file: DicomFile) -> Segmentation:
    """Read the record of a segmentation."""
    whole = file.whole
    return Segmentation(
        kind=text(whole, "SegmentationType"),
        maximum=number(whole, "MaximumFractionalValue") or 1.0,
        labels=tuple(
            (whole_number(item, "SegmentNumber", 0), text(item, "SegmentLabel"))
            for item in whole.get("SegmentSequence") or ()
        ),
    )


def units_of(file: DicomFile, modality: str, rescale_type: str) -> str:
    """Return what the values of a file are measured in, empty where it does not tell."""
    keyword = {"PT": "Units", "RTDOSE": "DoseUnits"}.get(modality)
    if keyword is not None:
        return text(file.whole, keyword)
    return rescale_type or ("HU" if modality == "CT" else "")


def kept_of(file: DicomFile, keywords: Iterable[str]) -> dict[str, str]:
    """Return the elements a caller asked for by name."""
    return {k: str(file.whole[k].value) for k in keywords if k in file.whole}
