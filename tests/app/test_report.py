# SPDX-License-Identifier: Apache-2.0
"""The report of preprocess: what it says, how it looks in a real browser, narrow and wide, light and dark."""

import base64
import importlib.util
import io
import re

import numpy as np
import pytest

import voxkern as vk
from voxkern._app.cli import main
from voxkern._app.niivue import niivue
from voxkern._app.report import _ticks, field_window, head_of

pytest.importorskip("jinja2")
Image = pytest.importorskip("PIL.Image")


@pytest.fixture(scope="module")
def report(shaded_volume, tmp_path_factory):
    folder = tmp_path_factory.mktemp("report") / "Doe^Jane"
    folder.mkdir()
    vk.save(shaded_volume, folder / "scan", format="dicom")
    page = folder / "report.html"
    vk.preprocess(folder / "scan", folder / "out.nii", n4=True, spacing=2.0, normalize="zscore", report=page)
    return page


def test_report_is_one_page_without_identity(report):
    text = report.read_text("utf-8")
    for part in (
        "24 x 40 x 44",
        "mask = otsu",
        "spacing = 2.0, order = 3",
        "to RAS",
        "zscore",
        "arbitrary units",
    ):
        assert part in text, part
    for step in ("load", "n4", "reorient", "resample", "normalise", "save", "total"):
        assert f'<th scope="row">{step}</th>' in text, step
    for secret in ("Doe^Jane", str(report.parent), "Secret", '="http', 'src="/', "url(http"):
        assert secret not in text, secret
    assert [p.name for p in sorted(report.parent.iterdir())] == ["out.nii", "report.html", "scan"]


def test_report_names_what_was_left_out(shaded, tmp_path, capsys):
    assert (
        main(["preprocess", str(shaded[0]), str(tmp_path / "o.nii"), "--report", str(tmp_path / "r.html")])
        == 0
    )
    assert str(tmp_path / "r.html") in capsys.readouterr().err
    left = re.search(r"left out</h3>(.*?)</ul>", (tmp_path / "r.html").read_text("utf-8"), re.S)[1]
    for step in ("n4", "resample", "normalise"):
        assert f"{step}: not asked for" in left
    assert "reorient" not in left


def test_before_and_after_share_a_window(shaded_volume, tmp_path):
    vk.preprocess(shaded_volume, normalize="zscore", report=tmp_path / "r.html")
    pictures = re.findall(r'class="plane" src="([^"]+)"', (tmp_path / "r.html").read_text("utf-8"))
    assert len(set(pictures)) == 3 and pictures[:3] == pictures[3:]  # only the unit has changed


def test_field_window_is_centred_on_one(shaded_volume):
    volume = shaded_volume
    values = np.linspace(0.5, 1.2, volume.data.size, dtype=np.float32)
    low, high = field_window(volume.with_data(values.reshape(volume.shape)), volume)
    assert low + high == pytest.approx(2.0) and 0.5 < low < 0.8


def test_field_is_shown_within_the_head(shaded_volume):
    head = head_of(shaded_volume)
    assert 0.2 < head.data.mean() < 0.5 and head.data[12, 20, 22] and not head.data[0].any()
    several = vk.Volume(np.stack([shaded_volume.data] * 2, -1), shaded_volume.affine)
    np.testing.assert_array_equal(head_of(several).data, head.data)


TICKS = [(0, 936, "0 200 400 600 800"), (-6.14, 1.6, "-6 -4 -2 0"), (0, 0.3, "0 0.1 0.2")]


@pytest.mark.parametrize(("low", "high", "want"), TICKS)
def test_ticks_are_round_numbers(low, high, want):
    ticks = _ticks(low, high)
    assert " ".join(text for _, text in ticks) == want
    for at, text in ticks:
        assert low + at * (high - low) == pytest.approx(float(text), abs=1e-9)


def test_result_is_shown_at_the_scale_of_the_scan(report):
    """N4's field has any scale: what divides the pictures has its median at one, and they stay as bright."""
    text = report.read_text("utf-8")
    scale = float(re.search(r"by its median in the head, ([0-9.]+)", text)[1])
    field = vk.n4_bias_field_correction(vk.load(report.parent / "scan"), "otsu", return_field=True)[1]
    assert field.data.min() < scale < field.data.max()

    def bright(sources):
        pictures = (Image.open(io.BytesIO(base64.b64decode(source))).convert("L") for source in sources)
        return np.median(np.concatenate([p[p > 100] for p in map(np.asarray, pictures)]))

    sources = re.findall(r'class="plane" src="data:image/png;base64,([^"]+)"', text)
    assert bright(sources[6:]) == pytest.approx(bright(sources[:3]), rel=0.1)


def test_report_says_what_the_viewer_needs(shaded_volume, tmp_path, monkeypatch):
    find = importlib.util.find_spec
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "ipyniivue" else find(name))
    niivue.cache_clear()
    vk.preprocess(shaded_volume, spacing=np.array([2.0, 1, 1]), order=1, report=tmp_path / "r.html")
    text = (tmp_path / "r.html").read_text("utf-8")
    assert "spacing = [2.0, 1.0, 1.0]" in text
    assert "pip install &#39;voxkern[view]&#39;" in text
    assert "script-src &#39;none&#39;" in text and "<script" not in text
    with pytest.raises(vk.MissingPackageError, match=r"pip install 'voxkern\[view\]'"):
        vk.view(shaded_volume, tmp_path / "v.html")


def test_folder_of_a_report_must_exist(shaded_volume, tmp_path):
    with pytest.raises(vk.ArgumentError, match=r"^report: "):
        vk.preprocess(shaded_volume, report=tmp_path / "missing" / "r.html")


CONTRAST = """(() => {
  const light = (text) => text.match(/[\\d.]+/g).slice(0, 3).map((v) => v / 255)
    .map((v) => v <= 0.04 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, k) => sum + v * [0.2126, 0.7152, 0.0722][k], 0);
  const back = light(getComputedStyle(document.body).backgroundColor);
  return [...document.querySelectorAll("h1, h2, p, td, th, dd, li, figcaption, footer, .chart text")]
    .filter((e) => e.getClientRects().length)
    .map((e) => light(getComputedStyle(e)[e.tagName === "text" ? "fill" : "color"]))
    .map((ink) => (Math.max(ink, back) + 0.05) / (Math.min(ink, back) + 0.05));
})()"""


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [500, 1280])
def test_report_is_readable(browser, report, width, dark):
    browser.open(report, width=width, dark=dark)
    assert browser.run("document.documentElement.scrollWidth") <= width  # nothing sticks out
    assert min(browser.run(CONTRAST)) >= 4.5
    paper = browser.run("getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)")
    assert (max(paper) < 60) == dark
    images = browser.run(
        "[...document.querySelectorAll('img.plane')].map((i) => [i.naturalWidth, i.clientWidth, i.alt])"
    )
    assert len(images) == 9
    for natural, shown, alt in images:
        assert natural > 100 and shown > 200 and "plane" in alt and "values from" in alt
    labels = browser.run(
        "[...document.querySelectorAll('svg[role=img]')].map((s) => s.getAttribute('aria-label'))"
    )
    assert len(labels) == 3 and all(labels)
    headings = browser.run("[...document.querySelectorAll('h1, h2, h3')].map((h) => +h.tagName[1])")
    assert headings[0] == 1 and headings.count(1) == 1 and max(np.diff(headings)) <= 1
    assert browser.run("[...document.querySelectorAll('th')].every((t) => t.scope)")
    small = browser.run(
        "[...document.querySelectorAll('.chart text')].map((text) => text.getBoundingClientRect().height)"
    )
    assert min(small) >= 8
    assert browser.complaints() == [] and browser.requests() == [report.as_uri()]


def test_report_prints_and_holds_the_viewer(browser, report):
    pytest.importorskip("ipyniivue")
    browser.open(report, width=700, height=500)
    browser.element("#open").click()
    browser.wait("['ready', 'still'].includes(document.getElementById('viewer').dataset.state)")
    assert browser.run("document.getElementById('viewer').dataset.state") == "ready"
    assert (browser.pixels("#planes").min(-1) > 60).mean() > 0.02
    assert browser.complaints() == [] and browser.requests() == [report.as_uri()]
    browser.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    assert browser.element("#still img").is_displayed() and not browser.element("#planes").is_displayed()
