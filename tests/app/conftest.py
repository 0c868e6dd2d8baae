# SPDX-License-Identifier: Apache-2.0
"""A shaded scan; a headless Chromium, started once for the tests of pages and closed by them."""

import io
import json
import shutil

import numpy as np
import pytest

import voxkern as vk

FLAGS = [
    "--headless=new",
    "--no-sandbox",
    "--use-gl=angle",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
]


class Browser:
    """Opens pages from the disk, and remembers what they asked for and complained about."""

    def __init__(self, driver):
        self.driver = driver

    def open(self, path, width=1280, height=1000, dark=False):
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "screen", "features": [scheme]})
        self.driver.get("about:blank")
        self.complaints(), self.requests()  # of the page before
        self.driver.get(path.as_uri())

    def run(self, script):
        """Return the value of an expression in the page."""
        return self.driver.execute_script(f"return {script}")

    def wait(self, condition, seconds=180):
        from selenium.webdriver.support.ui import WebDriverWait

        return WebDriverWait(self.driver, seconds, 0.1).until(lambda _: self.run(condition))

    def element(self, selector):
        from selenium.webdriver.common.by import By

        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def set(self, selector, value):
        """Set a control as a hand does."""
        key = "checked" if isinstance(value, bool) else "value"
        self.driver.execute_script(
            f"const e = document.querySelector(arguments[0]); e.{key} = arguments[1];"
            "e.dispatchEvent(new Event('input', {bubbles: true}))",
            selector,
            value,
        )

    def pixels(self, selector):
        """Return what an element looks like: rows, columns, red green blue."""
        image = pytest.importorskip("PIL.Image")
        # Two frames: what was asked for is drawn, and shown.
        self.driver.execute_async_script(
            "document.querySelector(arguments[0]).scrollIntoView({block: 'center'});"
            "requestAnimationFrame(() => requestAnimationFrame(arguments[1]))",
            selector,
        )
        picture = image.open(io.BytesIO(self.element(selector).screenshot_as_png)).convert("RGB")
        return np.asarray(picture).astype(int)

    def complaints(self):
        return [entry["message"] for entry in self.driver.get_log("browser")]

    def requests(self):
        """Return the addresses asked for that are not of the page itself."""
        messages = [json.loads(e["message"])["message"] for e in self.driver.get_log("performance")]
        asked = [
            m["params"]["request"]["url"] for m in messages if m["method"] == "Network.requestWillBeSent"
        ]
        return [url for url in asked if not url.startswith(("data:", "blob:"))]


@pytest.fixture(scope="session")
def browser(tmp_path_factory):
    webdriver = pytest.importorskip("selenium.webdriver")
    chromium, chromedriver = shutil.which("chromium"), shutil.which("chromedriver")
    if chromium is None or chromedriver is None:
        pytest.skip("no Chromium with its driver here: apt-get install chromium chromium-driver")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options, webdriver.ChromeService(chromedriver))
    driver.set_script_timeout(180)  # a machine with much else to do
    yield Browser(driver)
    driver.quit()


@pytest.fixture(scope="session")
def shaded_volume():
    """A small volume of a ball under a field."""
    i, j, k = np.meshgrid(*[np.linspace(-1, 1, n) for n in (24, 40, 44)], indexing="ij")
    field = np.exp(0.4 * j - 0.3 * k)
    ball = np.where(i**2 + j**2 + k**2 < 0.8, 400 + 100 * (i**2 + j**2 + k**2 < 0.3), 20)
    noise = np.random.default_rng(0).normal(0, 4, ball.shape)
    voxels = np.rint(np.maximum(ball * field + noise, 1)).astype(np.int16)
    return vk.Volume(voxels, np.diag([2.0, 1.0, 1.0, 1.0]))


@pytest.fixture
def shaded(shaded_volume, tmp_path):
    """The same as a DICOM series, and the volume."""
    vk.save(shaded_volume, tmp_path / "shaded", format="dicom")
    return tmp_path / "shaded", shaded_volume
