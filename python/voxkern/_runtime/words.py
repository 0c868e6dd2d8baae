# SPDX-License-Identifier: Apache-2.0
"""The words that arguments may be, as type checkers read them; ``get_args`` lists them for checks."""

from typing import Literal, TypeAlias

Convention: TypeAlias = Literal["extent", "centre", "origin", "corner"]
ShapeRule: TypeAlias = Literal["round", "ceil", "floor", "monai", "torchio"]
ResampleRule: TypeAlias = Literal["argmax", "half", "nearest", "gaussian"]
Units: TypeAlias = Literal["mm", "voxels"]
OtsuMethod: TypeAlias = Literal["skimage", "itk"]
GaussianMethod: TypeAlias = Literal["fir", "recursive"]
Normalization: TypeAlias = Literal["none", "zscore"]
FilterMode: TypeAlias = Literal[
    "reflect", "grid-mirror", "constant", "grid-constant", "nearest", "mirror", "wrap", "grid-wrap"
]
SampleMode: TypeAlias = Literal[FilterMode, "fov"]
