# SPDX-License-Identifier: Apache-2.0
"""What tests say of where kernels run."""

import backends
import pytest

from voxkern import _core


@pytest.mark.parametrize("level", _core.cpu_levels())
def test_a_failure_leaves_no_level_behind(level):
    before = _core.active_cpu_level()
    with pytest.raises(AssertionError, match="of a test"), backends.cpu_level(level):
        assert _core.active_cpu_level() == level
        raise AssertionError("of a test")
    assert _core.active_cpu_level() == before
