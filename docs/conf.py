# SPDX-License-Identifier: Apache-2.0
import os
import re
import shutil
from pathlib import Path

import voxkern

project = "voxkern"
version = release = voxkern.__version__
extensions = ["myst_parser", "numpydoc", "sphinx.ext.autodoc"]
exclude_patterns = ["_build"]
html_theme = "furo"
myst_enable_extensions = ["dollarmath"]
numpydoc_show_class_members = False
suppress_warnings = ["myst.xref_missing", "myst.header"]


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
