# SPDX-License-Identifier: Apache-2.0
"""GPU tests run with CuPy on a GPU, or without either on the executor with a stand-in for CuPy."""

import backends
import pytest


@pytest.fixture(autouse=True)
def gpu():
    """Skip where no GPU test can run."""
    if backends.NO_CUDA:
        pytest.skip(backends.NO_CUDA)


@pytest.fixture
def executor():
    """The executor, with streams eager and threads in order; settings are put back."""
    found = backends.executor()
    if found is None:
        pytest.skip("needs a build with VOXKERN_CUDA=EXECUTOR")
    before = found.order(), found.streams()
    found.set_order("forward")
    found.set_streams("eager")
    yield found
    found.set_order(before[0])
    found.set_streams(before[1])
    found.clear_error()
