# SPDX-License-Identifier: Apache-2.0
"""Standardised uptake values by body weight, after the vendor-neutral rules of QIBA; no guess is made.

SUVbw = concentration (Bq/ml) * weight (g) / dose at the reference time (Bq).
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence

from ..._runtime.errors import UnsupportedSeriesError
from ._details import Pet, Tracer

Moments = Sequence[tuple[str, str]]  # date and time, as DICOM writes them


def suv_factor(pet: Pet, acquired: Moments, name: str) -> float:
    """Return what values in the units of the series are multiplied with to become SUVbw.

    ``acquired`` are the moments of all its slices.
    """
    if pet.units == "GML":
        if pet.suv_type not in ("", "BW"):
            raise _refused(name, f"the values are SUV already, of type {pet.suv_type}, not by body weight")
        return 1.0
    if pet.units == "CNTS":
        if pet.philips_suv:
            return pet.philips_suv
        if not pet.philips_activity:
            raise _refused(name, "counts without Philips' factors (7053,1000) and (7053,1009)")
        return pet.philips_activity * _per_concentration(pet, acquired, name)
    if pet.units != "BQML":
        raise _refused(name, f"Units is {pet.units or 'missing'}, allowed BQML, GML, or CNTS of Philips")
    return _per_concentration(pet, acquired, name)


def _refused(name: str, why: str) -> UnsupportedSeriesError:
    return UnsupportedSeriesError(f"{name}: no SUV: {why}")


def _per_concentration(pet: Pet, acquired: Moments, name: str) -> float:
    if "DECY" not in pet.corrections or "ATTN" not in pet.corrections:
        raise _refused(name, "CorrectedImage lacks ATTN or DECY")
    weight = pet.weight
    if not weight or weight <= 0:
        raise _refused(name, "PatientWeight is missing or 0")
    if len(pet.tracers) != 1:
        raise _refused(name, f"{len(pet.tracers)} radiopharmaceuticals, allowed one")
    tracer = pet.tracers[0]
    dose, half_life = tracer.dose, tracer.half_life
    if not dose or dose <= 0 or not half_life or half_life <= 0:
        raise _refused(name, "dose or half life is missing or 0")
    if dose < 1e4:
        raise _refused(name, f"a dose of {dose:g} Bq is none: it was probably written in MBq")
    correction = pet.decay_correction
    if correction == "ADMIN":  # corrected to the injection
        return float(weight * 1000.0 / dose)
    if correction != "START":
        raise _refused(name, f"DecayCorrection is {correction or 'missing'}, allowed START or ADMIN")
    start = _scan_start(pet, acquired, name)
    injected = _injection(tracer, start, name)
    elapsed = (start - injected).total_seconds()
    if not 0 <= elapsed < 10 * half_life:
        raise _refused(name, f"{elapsed:.0f} s from injection to scan")
    return float(weight * 1000.0 / (dose * 2.0 ** (-elapsed / half_life)))


def _scan_start(pet: Pet, acquired: Moments, name: str) -> datetime.datetime:
    """Return the time decay was corrected to: that of the series, unless it was made anew afterwards."""
    series = _moment(*pet.series)
    known = [moment for date, time in acquired if (moment := _moment(date, time)) is not None]
    if not known:
        raise _refused(name, "AcquisitionDate or AcquisitionTime is missing")
    if series is not None and series <= min(known):
        return series
    moment = _moment(pet.ge_start[:8], pet.ge_start[8:])
    if moment is not None:
        return moment
    if series is not None:
        raise _refused(name, "the series is younger than its acquisition, the start of the scan is not known")
    return min(known)


def _injection(tracer: Tracer, start: datetime.datetime, name: str) -> datetime.datetime:
    whole, time = tracer.start_datetime, tracer.start_time
    moment = _moment(whole[:8], whole[8:].split("+")[0].split("-")[0])
    if moment is not None:
        return moment
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
