# SPDX-License-Identifier: Apache-2.0
"""Standardised uptake values by body weight, after the vendor-neutral rules of QIBA; no guess is made.

SUVbw = concentration (Bq/ml) * weight (g) / dose at the reference time (Bq).
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from typing import Any

from ..._runtime.errors import UnsupportedSeriesError
from ._file import number, text, words
from ._vendor import private, private_number


def suv_factor(datasets: Sequence[Any], name: str) -> float:
    """Return what values in the units of the series are multiplied with to become SUVbw."""
    first = datasets[0]
    units = text(first, "Units")
    if units == "GML":
        kind = text(first, "SUVType")
        if kind not in ("", "BW"):
            raise _refused(name, f"the values are SUV already, of type {kind}, not by body weight")
        return 1.0
    if units == "CNTS":
        factor = private_number(first, 0x7053, "Philips PET Private Group", 0x00)
        if factor:
            return factor
        to_bq = private_number(first, 0x7053, "Philips PET Private Group", 0x09)
        if not to_bq:
            raise _refused(name, "counts without Philips' factors (7053,1000) and (7053,1009)")
        return to_bq * _per_concentration(datasets, name)
    if units != "BQML":
        raise _refused(name, f"Units is {units or 'missing'}, allowed BQML, GML, or CNTS of Philips")
    return _per_concentration(datasets, name)


def _refused(name: str, why: str) -> UnsupportedSeriesError:
    return UnsupportedSeriesError(f"{name}: no SUV: {why}")


def _per_concentration(datasets: Sequence[Any], name: str) -> float:
    first = datasets[0]
    corrected = words(first, "CorrectedImage")
    if "DECY" not in corrected or "ATTN" not in corrected:
        raise _refused(name, "CorrectedImage lacks ATTN or DECY")
    weight = number(first, "PatientWeight")
    if not weight or weight <= 0:
        raise _refused(name, "PatientWeight is missing or 0")
    tracers: Any = first.get("RadiopharmaceuticalInformationSequence") or ()
    if len(tracers) != 1:
        raise _refused(name, f"{len(tracers)} radiopharmaceuticals, allowed one")
    dose, half_life = number(tracers[0], "RadionuclideTotalDose"), number(tracers[0], "RadionuclideHalfLife")
    if not dose or dose <= 0 or not half_life or half_life <= 0:
        raise _refused(name, "dose or half life is missing or 0")
    if dose < 1e4:
        raise _refused(name, f"a dose of {dose:g} Bq is none: it was probably written in MBq")
    correction = text(first, "DecayCorrection")
    if correction == "ADMIN":  # corrected to the injection
        return float(weight * 1000.0 / dose)
    if correction != "START":
        raise _refused(name, f"DecayCorrection is {correction or 'missing'}, allowed START or ADMIN")
    start = _scan_start(datasets, name)
    injected = _injection(tracers[0], start, name)
    elapsed = (start - injected).total_seconds()
    if not 0 <= elapsed < 10 * half_life:
        raise _refused(name, f"{elapsed:.0f} s from injection to scan")
    return float(weight * 1000.0 / (dose * 2.0 ** (-elapsed / half_life)))


def _scan_start(datasets: Sequence[Any], name: str) -> datetime.datetime:
    """Return the time decay was corrected to: that of the series, unless it was made anew afterwards."""
    first = datasets[0]
    series = _moment(text(first, "SeriesDate"), text(first, "SeriesTime"))
    acquired = [_moment(text(d, "AcquisitionDate"), text(d, "AcquisitionTime")) for d in datasets]
    known = [moment for moment in acquired if moment is not None]
    if not known:
        raise _refused(name, "AcquisitionDate or AcquisitionTime is missing")
    if series is not None and series <= min(known):
        return series
    ge = private(first, 0x0009, "GEMS_PETD_01", 0x0D)
    if ge:
        moment = _moment(str(ge)[:8], str(ge)[8:])
        if moment is not None:
            return moment
    if series is not None:
        raise _refused(name, "the series is younger than its acquisition, the start of the scan is not known")
    return min(known)


def _injection(tracer: Any, start: datetime.datetime, name: str) -> datetime.datetime:
    whole = text(tracer, "RadiopharmaceuticalStartDateTime")
    if whole:
        moment = _moment(whole[:8], whole[8:].split("+")[0].split("-")[0])
        if moment is not None:
            return moment
    time = text(tracer, "RadiopharmaceuticalStartTime")
    moment = _moment(start.strftime("%Y%m%d"), time) if time else None
    if moment is None:
        raise _refused(name, "the time of injection is missing")
    # Only a time of day: an injection before midnight belongs to the day before.
    return moment if moment <= start else moment - datetime.timedelta(days=1)


def _moment(date: str, time: str) -> datetime.datetime | None:
    digits = time.split(".")[0].ljust(6, "0")
    try:
        whole = datetime.datetime.strptime(date + digits, "%Y%m%d%H%M%S")
    except ValueError:
        return None
    fraction = time.partition(".")[2]
    return whole + datetime.timedelta(seconds=float(f"0.{fraction}") if fraction.isdigit() else 0.0)
