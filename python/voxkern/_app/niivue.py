# SPDX-License-Identifier: Apache-2.0
"""NiiVue, the viewer that pages carry, out of the Python package ipyniivue."""

from __future__ import annotations

import base64
import functools
import gzip
import hashlib
import importlib.metadata
import importlib.util
import re
import urllib.parse
from dataclasses import dataclass
from pathlib import Path

from .._runtime.errors import MissingPackageError

# The package keeps a whole NiiVue as one string for its own pages: so long is no other.
_LITERAL = re.compile(r'"([^"\\\s]{500000,})"')
_EXPORTS = re.compile(r"export\s*\{([^{}]*)\}\s*;?\s*$")


@dataclass(frozen=True)
class NiiVue:
    """What a page needs of the viewer.

    Attributes
    ----------
    script : str
        The program, as base64 of gzip; it leaves its names in ``globalThis.niivue``.
    sha256 : str
        Its checksum as a content policy names it.
    licence : str
        The text that goes along.
    version : str
        Of ipyniivue.
    colormaps : frozenset of str
        Names of its colour maps.
    """

    script: str
    sha256: str
    licence: str
    version: str
    colormaps: frozenset[str]


@functools.cache
def niivue() -> NiiVue:
    """Return the viewer; an error that says what to install where there is none."""
    spec = importlib.util.find_spec("ipyniivue")
    if spec is None or not spec.submodule_search_locations:
        raise MissingPackageError("ipyniivue is needed here: pip install 'voxkern[view]'")
    static = Path(spec.submodule_search_locations[0]) / "static"
    package = importlib.metadata.distribution("ipyniivue")
    script = _module((static / "widget.js").read_text("utf-8"))
    if script is None:
        raise MissingPackageError(
            f"ipyniivue: got version {package.version}, which has no NiiVue for pages: "
            "pip install 'voxkern[view]'"
        )
    code = script.encode()
    return NiiVue(
        script=base64.b64encode(gzip.compress(code, 6, mtime=0)).decode(),
        sha256=sha256(code),
        licence=package.read_text("licenses/LICENSE") or "BSD-2-Clause, the NiiVue developers",
        version=package.version,
        colormaps=frozenset(path.stem for path in (static / "colormaps").glob("[!$]*.json")),
    )


def _module(widget: str) -> str | None:
    """Return the viewer's program, its exports turned into properties of ``globalThis.niivue``."""
    for literal in _LITERAL.finditer(widget):
        code = urllib.parse.unquote(literal[1])
        exports = _EXPORTS.search(code)
        if exports is None or "Niivue" not in exports[1]:
            continue
        names = [name.split(" as ") for name in map(str.strip, exports[1].split(",")) if name]
        pairs = ",".join(f"{name[-1].strip()}:{name[0].strip()}" for name in names)
        return f"{code[: exports.start()]}globalThis.niivue={{{pairs}}};dispatchEvent(new Event('niivue'));"
    return None


def sha256(code: bytes) -> str:
    """Return the checksum of a script or style as a content policy names it."""
    return "sha256-" + base64.b64encode(hashlib.sha256(code).digest()).decode()
