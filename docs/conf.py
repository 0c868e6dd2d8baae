# SPDX-License-Identifier: Apache-2.0
import os
import re
import shutil
from pathlib import Path

from sphinx.application import Sphinx

import voxkern
from voxkern.ndimage._scipy import FUNCTIONS

project = "voxkern"
version = release = voxkern.__version__
extensions = ["myst_parser", "numpydoc", "sphinx.ext.autodoc"]
exclude_patterns = ["_build"]
html_theme = "furo"
myst_enable_extensions = ["dollarmath", "substitution"]
scipys_own = sorted(FUNCTIONS - set(voxkern.ndimage.__all__))
myst_substitutions = {"scipys_own": ", ".join(f"`{name}`" for name in scipys_own)}
numpydoc_show_class_members = False
suppress_warnings = ["myst.header"]


def write_kernel_pages(docs: Path) -> None:
    """Write one page per kernel from its README, so that a new kernel touches no file here."""
    pages = docs / "kernels"
    shutil.rmtree(pages, ignore_errors=True)  # a removed kernel's page must not stay
    pages.mkdir()
    for readme in sorted((docs.parent / "cpp" / "kernels").glob("*/README.md")):

        def moved(link: re.Match[str], folder: Path = readme.parent) -> str:
            """Return a relative link as the page needs it; another kernel's README is the page beside."""
            target = (folder / link[1]).resolve()
            page = (
                f"{target.parent.name}.md" if target.name == "README.md" else os.path.relpath(target, pages)
            )
            return f"]({page})"

        text = re.sub(r"\]\((?!https?:)([^)#]+)\)", moved, readme.read_text())
        (pages / f"{readme.parent.name}.md").write_text(text)


write_kernel_pages(Path(__file__).resolve().parent)


def lead_to_kernel_pages(app: object, name: str, source: list[str]) -> None:
    """Let links to READMEs of kernels, which lead somewhere in the repository, lead to their pages."""
    source[0] = re.sub(r"\]\(\.\./\.\./cpp/kernels/(\w+)/README\.md\)", r"](../kernels/\1.md)", source[0])


def setup(app: Sphinx) -> None:
    app.connect("source-read", lead_to_kernel_pages)
