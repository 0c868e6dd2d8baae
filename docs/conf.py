# SPDX-License-Identifier: Apache-2.0
import voxkern

project = "voxkern"
version = release = voxkern.__version__
extensions = ["myst_parser", "numpydoc", "sphinx.ext.autodoc"]
exclude_patterns = ["_build"]
html_theme = "furo"
myst_enable_extensions = ["dollarmath"]
numpydoc_show_class_members = False
suppress_warnings = ["myst.xref_missing", "myst.header"]
