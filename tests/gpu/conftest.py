# SPDX-License-Identifier: Apache-2.0
"""GPU tests run with CuPy on a GPU, or without either on the executor with a stand-in for CuPy."""

import types

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


@pytest.fixture
def orders(request):
    """The executor, whose order of threads and streams a test sets; on a GPU nobody sets them."""
    if backends.executor() is not None:
        return request.getfixturevalue("executor")
    return types.SimpleNamespace(set_order=lambda order: None, set_streams=lambda streams: None)
