# SPDX-License-Identifier: Apache-2.0
"""The pictures of the documentation, of the demo's head: written to the folder VOXKERN_SCREENSHOTS."""

import base64
import os
from pathlib import Path

import numpy as np
import pytest

import voxkern as vk
from voxkern._app.cli import main

FOLDER = os.environ.get("VOXKERN_SCREENSHOTS", "")
pytestmark = pytest.mark.skipif(not FOLDER, reason="VOXKERN_SCREENSHOTS names no folder")


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pictures") / "demo"
    assert main(["demo", "--output", str(folder), "--quiet"]) == 0
    return folder


def small_png(source, name):
    """Write a picture of 800 columns."""
    image = pytest.importorskip("PIL.Image")
    picture = image.open(source).convert("RGB")
    size = (800, round(picture.height * 800 / picture.width))
    picture.resize(size, image.Resampling.LANCZOS).save(Path(FOLDER) / name, optimize=True)


def shot(browser, height, name):
    """Write the upper part of a page."""
    clip = {"x": 0, "y": 0, "width": 1100, "height": height, "scale": 1}
    command = {"captureBeyondViewport": True, "clip": clip}
    taken = browser.driver.execute_cdp_cmd("Page.captureScreenshot", command)
    path = Path(FOLDER) / name
    path.write_bytes(base64.b64decode(taken["data"]))
    small_png(path, name)


def test_before_and_after(demo):
    small_png(demo / "before_after.png", "demo.png")


def test_report(browser, demo):
    browser.open(demo / "report.html", width=1100)
    shot(browser, 1500, "report.png")


def test_page(browser, demo, tmp_path):
    after = vk.load(demo / "head_1mm.nii.gz")
    white = after.with_data((after.data > 0.75).astype(np.uint8))
    brain = vk.surface(after, vk.otsu(after), sigma_mm=1.0, faces=60_000)
    page = vk.view(
        after,
        tmp_path / "view.html",
        before=vk.load(demo / "dicom"),
        labels=white,
        surface=brain,
        title="A head",
    )
    browser.open(page, width=1100, height=1000)
    browser.wait("document.getElementById('viewer').dataset.state === 'ready'")
    from selenium.webdriver.common.keys import Keys

    browser.element("#planes").send_keys(Keys.SHIFT, Keys.ARROW_RIGHT, Keys.ARROW_UP)
    browser.wait("document.getElementById('place').textContent.startsWith('R 10')")
    shot(browser, 1000, "view.png")
