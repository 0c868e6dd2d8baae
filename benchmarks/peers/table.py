# SPDX-License-Identifier: Apache-2.0
"""From measured rows to JSON, Markdown tables and the bar chart."""

import json
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.cases.case import FAMILIES, builders, families
from benchmarks.phantoms import ZERO_BACKGROUND

from .measure import ROUNDS, ROUNDS_END, TURN

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "docs" / "performance.json"
PAGE = ROOT / "docs" / "performance.md"
CHART = ROOT / "docs" / "performance.svg"
README = ROOT / "README.md"

# README's rows, eight at most: one job of each kind, against the tool most people use for it.
SHORT = (
    ("resample linear", "SimpleITK"),
    ("resize CT as skimage, order 3", "skimage"),
    ("labels, 25 classes", "batchgenerators (nnU-Net)"),
    ("gaussian sigma 1", "scipy"),
    ("distances in a head", "scipy"),
    ("n4 head shrunk, defaults", "SimpleITK"),
    ("conv 32 to 32", "torch"),
    ("load made CT series", "pydicom and np.stack"),
)

Row = dict[str, Any]
Columns = dict[str, Callable[[Row], str]]


def milliseconds(seconds: float) -> str:
    return f"{seconds * 1e3:.3g}" if seconds < 1 else f"{seconds * 1e3:.0f}"


def faster(row: Row, seconds: str = "seconds") -> float:
    """Return how many times longer the peer takes."""
    return float(row["peer_seconds"] / row[seconds])


def ratio(row: Row, seconds: str = "seconds") -> str:
    value = faster(row, seconds)
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}" if value >= 10 else f"{value:.2g}"


def other_time(row: Row, seconds: str) -> str:
    """Return another time of ours, and how many times longer the peer takes."""
    return "-" if row[seconds] is None else f"{milliseconds(row[seconds])} ({ratio(row, seconds)})"


def mebibytes(count: int | None) -> str:
    return "-" if count is None else f"{count / 2**20:.1f}"


def peer(row: Row) -> str:
    return row["peer"] + (", 1 thread" if row["peer_threads"] < row["threads"] else "")


def of_limit(row: Row) -> str:
    if not row["moved_bytes"]:
        return "-"
    return f"{row['moved_bytes'] / row['seconds'] / row['limit_bytes_per_second']:.2f}"


def of_products(row: Row) -> str:
    if not row.get("products"):  # rows that were stored before have none
        return "-"
    return f"{row['products'] / row['seconds'] / row['limit_products_per_second']:.2f}"


def error(value: float | None) -> str:
    return "-" if value is None else f"{value:.0e}"


def headline(row: Row) -> str:
    single = row["one_thread_seconds"]
    return f"**{ratio(row)}**" + (
        "" if single is None else f", one thread {ratio(row, 'one_thread_seconds')}"
    )


FULL: Columns = {
    "case": lambda r: r["case"],
    "size": lambda r: r["size"],
    "peer": peer,
    "voxkern ms": lambda r: milliseconds(r["seconds"]),
    "peer ms": lambda r: milliseconds(r["peer_seconds"]),
    "times faster": lambda r: f"**{ratio(r)}**",
    "one thread ms (times)": lambda r: other_time(r, "one_thread_seconds"),
    "first call ms (times)": lambda r: other_time(r, "first_seconds"),
    "error": lambda r: error(r["error"]),
    "peer's error": lambda r: error(r["peer_error"]),
    "of copy speed": of_limit,
    "of FMA speed": of_products,
    "extra MiB": lambda r: mebibytes(r["extra_bytes"]),
    "peer's extra MiB": lambda r: mebibytes(r["peer_extra_bytes"]),
}
BRIEF: Columns = {
    "job": lambda r: f"{r['case']}, {r['size']}",
    **{name: FULL[name] for name in ("peer", "voxkern ms", "peer ms")},
    "times faster": headline,
    "than the fastest": lambda r: f"{ratio(r['fastest'])}, {r['fastest']['peer']}",
}


def markdown(rows: list[Row], columns: Columns) -> str:
    """Return a table with one line per row."""
    lines = [list(columns), ["---"] * len(columns), *[[show(r) for show in columns.values()] for r in rows]]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def measured_on(machine: Row) -> str:
    return (
        f"Measured on {machine['processor']} with {machine['threads']} threads, level {machine['cpu_level']}."
    )


def method(machine: Row) -> str:
    """Return what every figure of the page is, and how to measure a row again."""
    threads = machine["threads"]
    return f"""\
* Every time is the shortest of {ROUNDS} rounds, in milliseconds. All calls of a case take turns. After
  {ROUNDS_END:.0f} seconds no further round begins. In its turn a short call is made for {TURN * 1e3:.0f} ms.
* "voxkern ms" is a repeated call on {threads} threads: it writes where an earlier result was.
* "First call" is the same call after `vk.release_memory()`: the system hands out fresh memory. It is
  measured for results of a megabyte and more. A peer recycles none: its one time stands for both.
* "One thread" is ours on one thread, beside a peer that uses one thread only.
* In brackets: how many times longer the peer takes.
* "Of copy speed" divides the bytes that must be read and written once, per second, by the speed of a copy
  on {threads} threads between two arrays in use.
* "Of FMA speed" divides the products of the plain formula, per second, by those of a loop in registers timed
  beside it. Winograd makes fewer: its rows may be above 1.
* A row whose peer wins stays in the table.

`nox -s compare -- --only "NAME"` measures the rows of a case again. `--threads N` sets the threads of both
sides. `--write` keeps the result. `nox -s bench` times the same cases without peers."""


def versions(machine: Row) -> str:
    return textwrap.fill(
        ", ".join(f"{name} {number}" for name, number in machine["packages"].items()) + ".", 110
    )


def backgrounds(rows: list[Row]) -> str:
    """Return our times on a masked head, relative to those on random data."""
    ours = {(row["case"], row["size"]): row["seconds"] for row in rows}
    pairs = {(name, size): ours.get((name + ZERO_BACKGROUND, size)) for name, size in ours}
    ratios = [f"{case[0]} {other / ours[case]:.2f}" for case, other in pairs.items() if other]
    text = f"Our time with a zero background, relative to random data of the same shape: {', '.join(ratios)}."
    return textwrap.fill(text, 110)


def save(results: Row, path: Path) -> None:
    path.write_text(json.dumps(results, indent=1) + "\n")


def merged(results: Row) -> Row:
    """Return the stored results with the fresh rows in the place of the same cases' old ones."""
    stored = json.loads(RESULTS.read_text())
    if stored["machine"] != results["machine"]:
        raise SystemExit("the stored rows are from another machine or other packages: measure all of them")
    rows: dict[str, list[Row]] = {}
    for row in stored["rows"]:
        rows.setdefault(row["case"], []).append(row)
    rows |= {row["case"]: [r for r in results["rows"] if r["case"] == row["case"]] for row in results["rows"]}
    return {"machine": stored["machine"], "rows": [row for case in rows.values() for row in case]}


def replace_generated(path: Path, text: str) -> None:
    """Put the text between the two markers of the file."""
    begin, end = "<!-- python -m benchmarks.peers -->\n", "<!-- end -->"
    head, rest = path.read_text().split(begin)
    path.write_text(head + begin + text + "\n" + end + rest.split(end, 1)[1])


def fastest(rows: list[Row]) -> dict[str, Row]:
    """Return case -> the row of its fastest peer."""
    nearest: dict[str, Row] = {}
    for row in rows:
        nearest[row["case"]] = min(nearest.get(row["case"], row), row, key=faster)
    return nearest


def draw(rows: list[Row], path: Path) -> None:
    """Draw a bar per job: how many times faster than its fastest peer.

    Two jobs of each list, and all in which a peer wins: more would not fit README. A zero background has its
    paragraph on the page; odd sizes and copies have its tables.
    """
    import matplotlib
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    nearest = fastest(rows)
    shown = {case for case, row in nearest.items() if faster(row) < 1}
    plain = [row for case, row in nearest.items() if not case.endswith(ZERO_BACKGROUND)]
    for family in FAMILIES:
        shown |= set([row["case"] for row in plain if row["family"] == family][:2])
    bars = sorted((row for case, row in nearest.items() if case in shown), key=faster)
    figure = Figure(figsize=(8, 0.21 * len(bars) + 0.7), layout="constrained")
    axis = figure.subplots()
    names = [f"{row['case']}: {row['peer']}" for row in bars]
    drawn = axis.barh(names, [faster(row) - 1 for row in bars], left=1, color="#2a6f97")
    axis.bar_label(drawn, [ratio(row) for row in bars], padding=2, fontsize=7)
    axis.set_xscale("log")
    axis.set_xlabel("times faster than the fastest peer", fontsize=8)
    axis.tick_params(labelsize=7)
    axis.margins(x=0.06, y=0.01)
    axis.axvline(1, color="black", linewidth=0.8)
    axis.spines[["top", "right"]].set_visible(False)
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "voxkern"}):
        FigureCanvasSVG(figure).print_svg(path, metadata={"Date": None})


def write_pages() -> None:
    """Write the chart, the page of all rows and README's short table from the stored results."""
    results = json.loads(RESULTS.read_text())
    rows, machine = results["rows"], results["machine"]
    parts = [f"{measured_on(machine)}\n{versions(machine)}", method(machine), backgrounds(rows)]
    for family, module in families().items():
        chosen = [row for row in rows if row["family"] == family]
        if chosen:
            parts.append(f"## {module.TITLE}\n\n{markdown(chosen, FULL)}")
    missing = [name for name in builders(quick=False, slow=True) if name not in {row["case"] for row in rows}]
    if missing:
        told = f"Cases that have no row yet, or none that was kept: {'; '.join(missing)}."
        parts.append(textwrap.fill(told, 110))
    replace_generated(PAGE, "\n" + "\n\n".join(parts) + "\n")
    by_name = {(row["case"], row["peer"]): row for row in rows}
    nearest = fastest(rows)
    short = [by_name[key] | {"fastest": nearest[key[0]]} for key in SHORT if key in by_name]
    replace_generated(README, f"\n{markdown(short, BRIEF)}\n\n{measured_on(machine)}\n")
    draw(rows, CHART)
