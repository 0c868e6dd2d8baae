# SPDX-License-Identifier: Apache-2.0
"""One pytest-benchmark file per kernel, over the cases of ``benchmarks.cases``: ``nox -s bench``."""

from typing import Any

import pytest

from benchmarks.cases.case import builders


def each_case(*parts: str) -> Any:
    """Run a test with ``check`` and ``build`` of every case whose family and name contain one of ``parts``.

    A full case is checked on its small form: the answer takes the reference much longer than the kernel.
    """
    forms = {"small": builders(quick=True, slow=False), "full": builders(quick=False, slow=False)}
    chosen = []
    for form, found in forms.items():
        for name, (family, build) in found.items():
            if any(part in f"{family}: {name}" for part in parts):
                check = forms["small"].get(name, (family, build))[1]
                chosen.append(pytest.param(check, build, id=f"{name}, {form}"))
    return pytest.mark.parametrize(("check", "build"), chosen)
