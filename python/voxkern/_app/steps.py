# SPDX-License-Identifier: Apache-2.0
"""The steps of a job: each is announced, timed and kept for the report."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from .._space.volume import Volume

StepCallback = Callable[[str, float | None, Volume | None], None]


class Steps:
    """Runs one step after the other; ``timings`` has the name and the seconds of each.

    Parameters
    ----------
    on_step : callable, optional
        Called as ``on_step(name, None, None)`` when a step starts and ``on_step(name, seconds, volume)`` when
        it ends.
    """

    def __init__(self, on_step: StepCallback | None = None) -> None:
        self.timings: list[tuple[str, float]] = []
        self._on_step = on_step

    def __call__(self, name: str, action: Callable[[], Any]) -> Any:
        """Return what ``action`` returns."""
        if self._on_step is not None:
            self._on_step(name, None, None)
        start = time.perf_counter()
        result = action()
        seconds = time.perf_counter() - start
        self.timings.append((name, seconds))
        if self._on_step is not None:
            self._on_step(name, seconds, result if isinstance(result, Volume) else None)
        return result
