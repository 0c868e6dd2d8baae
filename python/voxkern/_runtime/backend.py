# SPDX-License-Identifier: Apache-2.0
"""Where an array lives, and the GPU extension that is loaded on the first GPU array.

Nothing here imports CuPy; an array announces itself by its protocol.
"""

from __future__ import annotations

import functools
import importlib
from types import ModuleType
from typing import Any

from .. import _core
from .errors import CudaUnavailableError


def is_gpu_array(x: Any) -> bool:
    """Tell whether ``x`` announces CUDA memory."""
    return hasattr(x, "__cuda_array_interface__")


@functools.cache
def _load_cuda() -> tuple[ModuleType | None, str]:
    try:
        module = importlib.import_module("voxkern._cuda")
    except ImportError as error:
        return None, (
            f"the GPU extension is not part of this installation ({error}); build with nvcc and "
            "--config-settings=cmake.define.VOXKERN_CUDA=ON"
        )
    if module.__version__ != _core.__version__:
        return None, f"_cuda is version {module.__version__}, _core is {_core.__version__}"
    return module, ""


def cuda_status() -> tuple[bool, str]:
    """Return whether a GPU can be used, and if not why."""
    module, reason = _load_cuda()
    if module is None:
        return False, reason
    reason = module.unavailable_reason()
    return not reason, reason


def require_cuda(what: str) -> ModuleType:
    """Return the GPU extension, or say why it cannot run here."""
    module, reason = _load_cuda()
    if module is not None:
        reason = module.unavailable_reason()
        if not reason:
            return module
    raise CudaUnavailableError(f"{what}: got a GPU array, but no GPU can be used: {reason}")
