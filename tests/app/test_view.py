# SPDX-License-Identifier: Apache-2.0
"""Pages that show volumes, in a real browser: what is where, and that nothing else is asked for."""

import base64
import gzip
import re

import numpy as np
import pytest

import voxkern as vk
from voxkern._app.cli import main
from voxkern._app.demo import head_path

pytest.importorskip("ipyniivue")
pytest.importorskip("jinja2")

LESION = (25.0, 22.0, 18.0)  # mm to the patient's right, front and top
PLACE = (24 / 56, 24 / 64, 15.5 / 60)  # in the image, from -1 to 1


def ellipsoid(volume, centre, radii):
    index = np.stack(np.meshgrid(*map(np.arange, volume.shape), indexing="ij"), axis=-1)
    mm = index @ volume.affine[:3, :3].T + volume.affine[:3, 3]
    return (((mm - centre) / radii) ** 2).sum(-1) < 1


@pytest.fixture(scope="module")
def head():
    """An ellipsoid with a bright ball in it; its axes are neither in RAS order nor all forward."""
    affine = np.array([[0, 0, -4.0, 55], [4.0, 0, 0, -64], [0, -5.0, 0, 60], [0, 0, 0, 1]])
    empty = vk.Volume(np.zeros((32, 24, 28), np.float32), affine)
    data = 100.0 * ellipsoid(empty, 0, (45, 55, 50)) + 100.0 * ellipsoid(empty, LESION, (14, 14, 14))
    return empty.with_data(data.astype(np.float32))


@pytest.fixture(scope="module")
def page(head, tmp_path_factory):
    pytest.importorskip("skimage")
    path = tmp_path_factory.mktemp("Doe^Jane") / "head.html"
    lesion = head.with_data(head.data > 150)
    before = head.with_data(np.minimum(head.data, 100))
    return vk.view(
        head,
        path,
        before=before,
        overlay=head.with_data(ellipsoid(head, (-25, 0, 0), (10, 10, 10)).astype(np.float32)),
        overlay_window=(0.5, 1.0),
        labels=head.with_data(np.where(lesion.data, 300, 0).astype(np.int16)),
        surface=vk.surface(lesion, sigma_mm=2.0),
        title="a head",
    )


def tile(browser, name, canvas="planes"):
    """Return the pixels of one plane."""
    number = ["axial", "coronal", "sagittal"].index(name)
    where = f"voxkern.{canvas}.screenSlices.find((s) => s.axCorSag === {number}).leftTopWidthHeight"
    left, top, width, height = map(round, browser.run(where))
    selector = "#planes" if canvas == "planes" else "#planes2"
    return browser.pixels(selector)[top : top + height, left : left + width]


def centre(mask):
    """Return the centre of pixels, from -1 (left, bottom) to 1 (right, top)."""
    assert mask.sum() > 20
    rows, columns = np.nonzero(mask)
    return columns.mean() / mask.shape[1] * 2 - 1, 1 - rows.mean() / mask.shape[0] * 2


def look_at(browser, mm, canvas="planes"):
    browser.driver.execute_script(
        f"const p = voxkern.{canvas}; p.scene.crosshairPos = p.mm2frac(arguments[0]); p.drawScene();",
        list(mm),
    )


def grey(pixels, low, high):
    spread = pixels.max(-1) - pixels.min(-1)
    return (pixels.min(-1) > low) & (pixels.max(-1) < high) & (spread < 12)


def test_page_holds_no_names(page):
    text = page.read_text("utf-8")
    for secret in ("Doe^Jane", str(page.parent), "<script src", "<link", "@import", "eval("):
        assert secret not in text, secret
    assert "BSD 2-Clause" in text or "Redistribution and use" in text  # NiiVue's licence


def test_planes_volume_and_surface(browser, page):
    browser.open(page, width=900, height=520)  # software draws every pixel
    browser.wait("['ready', 'still'].includes(document.getElementById('viewer').dataset.state)")
    state = browser.run("document.getElementById('viewer').dataset.state")
    assert state == "ready", browser.element("#place").text
    browser.set("#labels", 0)
    browser.set("#overlay", 0)
    look_at(browser, LESION)

    # The cross-hair is drawn in every plane: wider than a pixel.
    wide = "voxkern.planes.opts.crosshairWidth / voxkern.planes.screenSlices[0].fovMM[0] * "
    assert browser.run(f"{wide} voxkern.planes.screenSlices[0].leftTopWidthHeight[2]") > 1.4

    # The lesion is to the right, in front and on top of the head's middle; the head fills its planes.
    x, y, z = PLACE
    for name, right, up in (("axial", x, y), ("coronal", x, z), ("sagittal", y, z)):
        pixels = tile(browser, name)
        bright, dim = grey(pixels, 215, 256), grey(pixels, 60, 190)
        assert centre(bright) == pytest.approx((right, up), abs=0.08), name
        assert 0.2 < dim.mean() < 0.75
        assert centre(dim) == pytest.approx((0, 0), abs=0.2), name
    browser.set("#radiological", True)
    assert centre(grey(tile(browser, "axial"), 215, 256))[0] == pytest.approx(-x, abs=0.08)
    browser.set("#radiological", False)

    # Overlay on the patient's left, labels on the lesion.
    for control, mm, where in (("#overlay", (-25, 0, 0), (-26 / 56, 2 / 64)), ("#labels", LESION, (x, y))):
        look_at(browser, mm)
        plain = tile(browser, "axial")
        browser.set(control, 1)
        coloured = np.abs(tile(browser, "axial") - plain).max(-1) > 60
        assert centre(coloured) == pytest.approx(where, abs=0.08), control

    # The surface alone; then the volume, whole and cut.
    alone = browser.pixels("#scene")
    browser.set("#surface0", False)
    empty = browser.pixels("#scene")
    assert 0.005 < (np.abs(alone - empty).max(-1) > 40).mean() < 0.3
    browser.set("#volume", True)
    whole = browser.pixels("#scene")
    solid = np.abs(whole - empty).max(-1) > 25
    assert 0.15 < solid.mean() < 0.9
    assert centre(solid) == pytest.approx((0, 0), abs=0.25)
    browser.set("#clip", True)
    cut = browser.pixels("#scene")
    assert (np.abs(cut - whole).max(-1) > 25).mean() > 0.05
    browser.set("#surface0", True)

    # The cross-hair moves by keys, in the other canvas too, and the page says where it is.
    look_at(browser, (3, 0, 0))  # the centre of a voxel
    scene = "[...voxkern.scene.frac2mm(voxkern.scene.scene.crosshairPos)].slice(0, 3)"
    planes = scene.replace("scene.frac2mm", "planes.frac2mm").replace("scene.scene", "planes.scene")
    start = np.array(browser.run(planes))
    from selenium.webdriver.common.keys import Keys

    canvas = browser.element("#planes")
    for key, step in (
        (Keys.ARROW_RIGHT, (4, 0, 0)),
        (Keys.ARROW_DOWN, (0, -4, 0)),
        (Keys.PAGE_UP, (0, 0, 5)),
    ):
        canvas.send_keys(key)
        now = np.array(browser.run(planes))
        assert now - start == pytest.approx(
            step, abs=0.6 * max(map(abs, step)) if (start == 0).all() else 1e-3
        )
        assert browser.run(scene) == pytest.approx(now.tolist(), abs=1e-3)
        start = now
    told = browser.element("#place").text
    assert f"R {start[0]:.1f}, P {-start[1]:.1f}, S {start[2]:.1f} mm" in told and "volume 99.6" in told

    # And by a click: a quarter of the way from the left and from the top of the axial plane.
    slice_ = "voxkern.planes.screenSlices.find((s) => s.axCorSag === 0).leftTopWidthHeight"
    left, top, width, height = browser.run(slice_)
    from selenium.webdriver import ActionChains

    middle = canvas.size["width"] / 2, canvas.size["height"] / 2
    right, down = left + width / 4 - middle[0], top + height / 4 - middle[1]
    ActionChains(browser.driver).move_to_element_with_offset(
        canvas, round(right), round(down)
    ).click().perform()
    assert browser.run(planes) == pytest.approx([-27, 30, start[2]], abs=2)
    assert browser.run(scene) == pytest.approx(browser.run(planes), abs=1e-3)

    # Before: blended, then beside.
    look_at(browser, LESION)
    browser.set("#labels", 0)
    browser.set("#compare", "blend")
    browser.set("#mix", 0)
    assert not grey(tile(browser, "axial"), 215, 256).any()
    browser.set("#compare", "side by side")
    browser.wait("Boolean(voxkern.other)")
    look_at(browser, LESION)
    assert grey(tile(browser, "axial"), 215, 256).any()
    assert grey(tile(browser, "axial", "other"), 60, 190).mean() > 0.2
    assert not grey(tile(browser, "axial", "other"), 215, 256).any()

    assert browser.element("tbody tr").text.startswith("300 ")
    assert browser.requests() == [page.as_uri()]
    assert browser.complaints() == []


def test_before_has_a_window_of_its_own_where_it_needs_one(browser, head, tmp_path):
    from voxkern._app.view import viewer_of

    for before, own in ((head * 1.5, False), (head * 10 + 500, True)):
        viewer = viewer_of(head, before=before)
        after, other = (layer["window"] for layer in viewer["data"]["layers"])
        assert (after != other) == own == any("window of its own" in note for note in viewer["notes"])
        assert viewer_of(head, before=before, window=(0, 9))["data"]["layers"][1]["window"] == (0, 9)
    page = vk.view(head, tmp_path / "own.html", before=head * 10 + 500)
    browser.open(page, width=500, height=520)
    browser.wait("document.getElementById('viewer').dataset.state === 'ready'")
    browser.set("#compare", "side by side")
    browser.wait("Boolean(voxkern.other)")
    for canvas in ("planes", "other"):  # black, grey, white as the volume itself
        look_at(browser, LESION, canvas)
        pixels = tile(browser, "axial", canvas)
        assert grey(pixels, 60, 190).mean() > 0.2 and grey(pixels, 215, 256).any(), canvas
    browser.set("#high", 1e4)
    assert not grey(tile(browser, "axial", "other"), 60, 256).any()
    assert browser.complaints() == []


def test_still_picture_without_webgl(browser, page):
    script = {"source": "HTMLCanvasElement.prototype.getContext = () => null"}
    made = browser.driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", script)
    try:
        browser.open(page, width=500)
        browser.wait("document.getElementById('viewer').dataset.state === 'still'")
        assert browser.element("#still img").is_displayed() and not browser.element("#planes").is_displayed()
        assert "WebGL" in browser.element("#place").text
        pixels = browser.pixels("#still img")
        assert 0.1 < (pixels > 90).all(-1).mean() < 0.8
        assert browser.complaints() == []
    finally:
        browser.driver.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", made)


def test_page_of_a_head_is_small(tmp_path):
    pytest.importorskip("nilearn")
    head = vk.load(head_path())  # at 1 mm
    page = vk.view(head, tmp_path / "head.html", before=head.with_data(head.data // 2))
    assert 2_000_000 < page.stat().st_size < 10_000_000


def test_large_and_odd_images(tmp_path, monkeypatch):
    """More voxels than a page holds, further axes, CT in full depth, NaN in an overlay."""
    from voxkern._app import view as module

    monkeypatch.setattr(module, "_MOST_VOXELS", 500)
    data = np.arange(1000.0).reshape(10, 10, 10)
    assert module.viewer_of(vk.Volume(data > 5, np.eye(4)))["window"] == (0, 1)
    scan = vk.Volume(np.stack([data, data], -1), np.diag([1.0, 2.0, 3.0, 1.0]), {"modality": "CT"})
    labels = vk.Volume(data.astype(np.int32) % 3, scan.affine, {"segments": ((2, "liver"),)})
    overlay = vk.Volume(np.where(data < 500, np.nan, data), scan.affine)
    viewer = module.viewer_of(scan, overlay=overlay, labels=labels)
    notes = "\n".join(viewer["notes"])
    assert (
        "volume: the first of 2 is shown" in notes
        and "volume: shown with 7 x 7 x 7 of its 10 x 10 x 10" in notes
    )
    assert "32768 steps" in notes
    assert [row["name"] for row in viewer["table"]["rows"]] == ["1", "2 liver"]


def test_values_survive(head):
    """What a page holds is the volume: place, and values within a step."""
    nib = pytest.importorskip("nibabel")
    from voxkern._app.view import viewer_of

    rng = np.random.default_rng(0)
    for data, bits, steps in (
        (rng.integers(-100, 100, (4, 5, 6)).astype(np.int16), 8, None),
        (rng.integers(-3000, 3000, (4, 5, 6)), 16, None),
        (rng.normal(size=(4, 5, 6)), 8, 255),
        (rng.normal(size=(4, 5, 6)), 16, 32767),
    ):
        viewer = viewer_of(vk.Volume(data, head.affine), bits=bits)
        content = base64.b64decode(viewer["data"]["layers"][0]["nifti"])
        image = nib.Nifti1Image.from_bytes(gzip.decompress(content))
        np.testing.assert_allclose(image.affine, head.affine, atol=1e-4)
        low, high = np.percentile(data, (0.05, 99.95))
        error = 0.001 if steps is None else 0.51 * (high - low) / steps
        np.testing.assert_allclose(image.get_fdata(), np.clip(data, low, high) if steps else data, atol=error)


def test_command(head, tmp_path, capsys, monkeypatch):
    pytest.importorskip("skimage")
    scan, labels = str(tmp_path / "scan.nii"), str(tmp_path / "labels.nii")
    vk.save(head, scan)
    vk.save(head.with_data((head.data > 150).astype(np.uint8)), labels)
    words = ["view", scan, str(tmp_path / "page.html"), "--before", scan, "--labels", labels]
    assert main([*words, "--surface", "--radiological"]) == 0
    assert "page.html" in capsys.readouterr().err
    text = (tmp_path / "page.html").read_text("utf-8")
    assert "surface 1" in text and 'type="checkbox" checked>\nradiological' in text
    assert main(words) == 1 and "to overwrite it" in capsys.readouterr().err
    assert main([*words, "--surface", "150", "--overwrite"]) == 0
    with pytest.raises(SystemExit):
        main([*words, "--surface", "skin"])
    opened = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert main(["view", scan, "--quiet"]) == 0
    assert opened[0].startswith("file://") and opened[0].endswith("/view.html")


VOLUME = vk.Volume(np.arange(120.0).reshape(4, 5, 6), np.eye(4))
CASES = [
    ("volume", vk.ArgumentTypeError, lambda t: vk.view(VOLUME.data, t / "x.html")),
    ("volume", vk.ArgumentTypeError, lambda t: vk.view(vk.Volume(VOLUME.data + 1j, np.eye(4)), t / "x.html")),
    ("volume", vk.ArgumentError, lambda t: vk.view(vk.Volume(np.zeros((0, 2, 2)), np.eye(4)), t / "x.html")),
    ("before", vk.ArgumentTypeError, lambda t: vk.view(VOLUME, t / "x.html", before=3)),
    ("labels", vk.ArgumentTypeError, lambda t: vk.view(VOLUME, t / "x.html", labels=VOLUME)),
    ("surface", vk.ArgumentTypeError, lambda t: vk.view(VOLUME, t / "x.html", surface=[VOLUME])),
    ("surface", vk.ArgumentTypeError, lambda t: vk.view(VOLUME, t / "x.html", surface=5)),
    ("surface", vk.ArgumentTypeError, lambda t: vk.view(VOLUME, t / "x.html", surface=np.array(5))),
    ("overlay", vk.ArgumentError, lambda t: vk.view(VOLUME, t / "x.html", overlay=VOLUME * np.nan)),
    ("title", vk.ArgumentTypeError, lambda t: vk.view(VOLUME, t / "x.html", title=5)),
    ("window", vk.ArgumentTypeError, lambda t: vk.view(VOLUME, t / "x.html", window=VOLUME.data)),
    ("window", vk.ArgumentError, lambda t: vk.view(VOLUME, t / "x.html", window=(2, 1))),
    ("window", vk.ArgumentError, lambda t: vk.view(VOLUME, t / "x.html", window=5)),
    (
        "overlay_window",
        vk.ArgumentTypeError,
        lambda t: vk.view(VOLUME, overlay=VOLUME, overlay_window="ab"),
    ),
    ("colormap", vk.ArgumentError, lambda t: vk.view(VOLUME, t / "x.html", colormap="pink-ish")),
    ("convention", vk.ArgumentError, lambda t: vk.view(VOLUME, t / "x.html", convention="left")),
    ("bits", vk.ArgumentError, lambda t: vk.view(VOLUME, t / "x.html", bits=12)),
    ("bits", vk.ArgumentTypeError, lambda t: vk.view(VOLUME, t / "x.html", bits=np.array([8, 16]))),
    ("path", vk.ArgumentError, lambda t: vk.view(VOLUME, t / "none" / "x.html")),
    ("path", vk.ArgumentError, lambda t: vk.view(VOLUME, t)),
    ("path", vk.ArgumentTypeError, lambda t: vk.view(VOLUME, 5)),
]


@pytest.mark.parametrize(("name", "kind", "call"), CASES)
def test_bad_arguments(tmp_path, name, kind, call):
    with pytest.raises(kind, match=f"^{name}: ") as caught:
        call(tmp_path)
    assert "\n" not in str(caught.value) and list(tmp_path.iterdir()) == []


def test_labels_that_overlap(tmp_path):
    labels = vk.Volume(np.stack([VOLUME.data > 50, VOLUME.data > 90], axis=3), np.eye(4))
    text = vk.view(VOLUME, tmp_path / "x.html", labels=labels).read_text("utf-8")
    assert "labels: the first of 2 is shown" in text


def test_other_versions_of_ipyniivue_are_named(monkeypatch):
    from voxkern._app import niivue

    niivue.niivue.cache_clear()
    monkeypatch.setattr(niivue, "_LITERAL", re.compile("nothing like this"))
    with pytest.raises(vk.MissingPackageError, match=r"ipyniivue: got version .* pip install"):
        niivue.niivue()
