# SPDX-License-Identifier: Apache-2.0
"""Fixtures shared by all tests."""

import os
from contextlib import nullcontext
from pathlib import Path

import backends
import numpy as np
import pytest
from cases import layouts

import voxkern as vk
from voxkern import _core


def pytest_addoption(parser):
    parser.addoption("--require-cuda", action="store_true", help="run GPU tests on a GPU, or fail")


def pytest_configure(config):
    if config.getoption("--require-cuda"):
        missing = backends.NO_CUDA or ("a GPU: this build is for the executor" if backends.executor() else "")
        if missing:
            raise pytest.UsageError(f"--require-cuda: {missing}")


def pytest_report_header(config):
    info = vk.show_config()
    return f"voxkern {info['version']}, levels {info['cpu_levels']}, {info['threads']} threads"


@pytest.fixture
def rng():
    return np.random.default_rng(20261122)


@pytest.hookimpl(trylast=True)
def pytest_generate_tests(metafunc):
    """Let levels and back ends vary fastest: they follow each other on one problem, whose answer is kept."""
    for name, params in (("cpu_level", backends.LEVELS), ("backend", backends.NAMES)):
        if name in metafunc.fixturenames:
            metafunc.parametrize(name, params, indirect=True)


@pytest.fixture
def cpu_level(request):
    """Run the test once at every instruction-set level this processor has."""
    with backends.cpu_level(request.param):
        yield request.param
        assert _core.active_cpu_level() == request.param


@pytest.fixture
def backend(request):
    """Run the test at every instruction-set level, and with CUDA where it can run."""
    with nullcontext() if request.param == "cuda" else backends.cpu_level(request.param):
        yield backends.make(request.param)


@pytest.fixture(scope="session")
def data_pack() -> Path:
    """Folder of real scans, named by VOXKERN_TEST_DATA; tests that need it are skipped without."""
    folder = os.environ.get("VOXKERN_TEST_DATA")
    if not folder:
        pytest.skip("VOXKERN_TEST_DATA is not set")
    return Path(folder)


@pytest.fixture(scope="session")
def real_series(data_pack, tmp_path_factory) -> Path:
    """170 slices of a real T1 head, sagittal, Philips."""
    import zipfile

    folder = tmp_path_factory.mktemp("mr")
    with zipfile.ZipFile(data_pack / "dicom" / "mr_t1_philips_mprage.zip") as archive:
        archive.extractall(folder)
    return folder


@pytest.fixture
def make_series(tmp_path):
    """Return a function that writes a small DICOM series and gives back its Datasets."""
    from dicom_factory import write_series

    def make(name="series", **kwargs):
        folder = tmp_path / name
        folder.mkdir(exist_ok=True)
        return folder, write_series(folder, **kwargs)

    return make


@pytest.fixture(name="layouts")
def layouts_fixture():
    return layouts
