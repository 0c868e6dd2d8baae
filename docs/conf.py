# SPDX-License-Identifier: Apache-2.0
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
    """Write one page per kernel that includes its README, so that a new kernel touches no file here."""
    pages = docs / "kernels"
    shutil.rmtree(pages, ignore_errors=True)  # a removed kernel's page must not stay
    pages.mkdir()
    for readme in sorted((docs.parent / "cpp" / "kernels").glob("*/README.md")):
        page = f"```{{include}} ../../cpp/kernels/{readme.parent.name}/README.md\n:relative-images:\n```\n"
        (pages / f"{readme.parent.name}.md").write_text(page)


write_kernel_pages(Path(__file__).parent)
