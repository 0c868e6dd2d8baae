# SPDX-License-Identifier: Apache-2.0
"""What a terminal shows while a job runs."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from .._ops.n4 import N4Callback
from .._space.volume import Volume
from .steps import StepCallback


class Progress:
    """Prints each step with its time; a live line with rich, plain lines without it."""

    def __init__(self, quiet: bool) -> None:
        self._quiet = quiet
        self._bar: Any = None

    @contextmanager
    def running(self) -> Iterator[StepCallback]:
        """Show progress while the block runs."""
        if not self._quiet and sys.stderr.isatty():
            try:
                from rich.console import Console
                from rich.progress import BarColumn, SpinnerColumn, TextColumn, TimeElapsedColumn
                from rich.progress import Progress as Bar

                self._bar = Bar(
                    SpinnerColumn(),
                    TextColumn("{task.description}"),
                    BarColumn(),
                    TimeElapsedColumn(),
                    console=Console(stderr=True),
                    transient=True,
                )
            except ImportError:
                pass
        if self._bar is None:
            yield self.step
            return
        with self._bar:
            yield self.step

    def step(self, name: str, seconds: float | None, volume: Volume | None) -> None:
        """Note that a step started (no seconds) or ended."""
        if self._bar is not None:
            for task in list(self._bar.task_ids):
                self._bar.remove_task(task)
            if seconds is None:
                self._bar.add_task(name, total=None)
        if seconds is not None:
            self.line(f"{name:<10} {seconds:7.3f} s   {volume if volume is not None else ''}".rstrip())

    def n4_callback(self, iterations: Sequence[int]) -> N4Callback:
        """Return a callback that moves the bar of a correction with so many iterations per level."""

        def advance(level: int, iteration: int, convergence: float) -> None:
            if self._bar is not None and self._bar.task_ids:
                self._bar.update(
                    self._bar.task_ids[-1],
                    description=f"n4 level {level + 1}, iteration {iteration}, convergence {convergence:.2g}",
                    completed=sum(iterations[:level]) + iteration,
                    total=sum(iterations),
                )

        return advance

    def line(self, text: str) -> None:
        """Print one line of the report."""
        if not self._quiet:
            print(text, file=sys.stderr, flush=True)
