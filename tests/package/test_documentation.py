# SPDX-License-Identifier: Apache-2.0
"""Every block of Python in the README and the guide runs as it stands; links lead to files."""

import re
from pathlib import Path

import backends
import numpy as np
import pytest

import voxkern as vk
from voxkern._app import ants

ROOT = Path(__file__).parents[2]
PAGES = ["README.md", *sorted(str(p.relative_to(ROOT)) for p in ROOT.glob("docs/[gm]*/*.md"))]
PACKAGES = ["nibabel", "pandas", "scipy", "skimage", "trimesh", "fast_simplification", "jinja2", "ipyniivue"]
PACKAGES += ["matplotlib", "safetensors", "SimpleITK"]
pytestmark = pytest.mark.skipif(not (ROOT / "docs").is_dir(), reason="needs the source tree")


def blocks(page):
    """Return (line, code) of each block of Python."""
    text = (ROOT / page).read_text("utf-8")
    found = re.finditer(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return [(text[: block.start(1)].count("\n"), block[1]) for block in found]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The files that pages speak of."""
    folder = tmp_path_factory.mktemp("pages")
    i, j, k = np.meshgrid(*[np.linspace(-1, 1, n) for n in (60, 40, 44)], indexing="ij")
    head = np.where(i**2 + j**2 + k**2 < 0.8, 500 + 100 * np.sin(9 * i), 5) * np.exp(0.3 * j)
    scan = vk.Volume(head.astype(np.int16), np.diag([1.2, 0.94, 0.94, 1]), {"modality": "MR"})
    for name in ("path/to/dicom/folder", "study"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        vk.save(scan, folder / name, format="dicom")
    vk.save(scan, folder / "head.nii.gz")
    vk.save(scan.with_data((scan.data > 100).astype(np.uint8)), folder / "mask.nii.gz")
    return folder


class N4BiasFieldCorrection:
    """Stands in for nipype's: it writes ANTs' flags, and the command must take them as they were meant."""

    FLAGS = {
        "dimension": "-d", "input_image": "--input-image", "mask_image": "--mask-image",
        "weight_image": "--weight-image", "shrink_factor": "--shrink-factor",
    }  # fmt: skip

    def __init__(self, *, command, save_bias=False, **inputs):
        assert Path(inputs["input_image"]).is_file()
        stem = inputs["input_image"].removesuffix(".nii.gz")
        written = [word for name, value in inputs.items() for word in (self.FLAGS[name], str(value))]
        output = [f"{stem}_corrected.nii.gz", f"{stem}_bias.nii.gz" if save_bias else None]
        written += ["--output", *(f"[ {output[0]}, {output[1]} ]".split() if save_bias else output[:1])]
        program, *words = command.split()
        assert program == "voxkern" and ants.is_ants([*words, *written])
        args = ants.parse([*words, *written])
        assert (args.input, args.output, args.field) == (inputs["input_image"], *output)
        assert (args.mask, args.weights) == (inputs.get("mask_image"), inputs.get("weight_image"))
        assert args.settings["shrink_factor"] == inputs.get("shrink_factor", 4)


@pytest.fixture
def names(folder, rng):
    """What pages take as given."""
    scan = vk.load(folder / "study")
    labels = scan.with_data((scan.data > 100).astype(np.uint8) + (scan.data > 550))
    x = rng.normal(size=(1, 2, 8, 8, 8)).astype(np.float32)
    weight, up = (rng.normal(size=(2, 2, n, n, n)).astype(np.float32) for n in (3, 2))
    head = rng.normal(size=(3, 4, 1, 1, 1)).astype(np.float32)
    pytest.importorskip("safetensors.numpy").save_file(
        {"a.weight": weight, "a.bias": weight[:, 0, 0, 0, 0].copy(), "up.weight": up, "head.weight": head},
        folder / "weights.safetensors",
    )
    return {
        "np": np,
        "vk": vk,
        "scan": scan,
        "corrected": scan,
        "labels": labels,
        "truth": labels,
        "mask": labels.with_data(labels.data > 0),
        "scores": rng.normal(size=(3, 20, 20, 20)).astype(np.float32),
        "fixed": scan,
        "moving": scan,
        "affine": np.eye(4),
        "displacements": vk.Volume(np.zeros((*scan.shape, 3), np.float32), scan.affine),
        "image": scan.data,
        "values": scan.data,
        "displacement": np.zeros((*scan.shape, 3), np.float32),
        "array": scan.data,
        "volume": scan.data[20:30].astype(np.float64),
        "x": x,
        "weight": weight,
        "bias": weight[:, 0, 0, 0, 0],
        "grid": np.zeros((1, 4, 4, 4, 3), np.float32),
        "N4BiasFieldCorrection": N4BiasFieldCorrection,
    }


@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page)])
def test_blocks_run(page, folder, names, monkeypatch):
    for package in PACKAGES:
        pytest.importorskip(package)
    if any("import cupy" in code for _, code in blocks(page)):
        pytest.importorskip("cupy", reason=backends.NO_CUDA)
    monkeypatch.setenv("MPLBACKEND", "Agg")
    opened = []
    monkeypatch.chdir(folder)
    monkeypatch.setattr("webbrowser.open", opened.append)
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    for line, code in blocks(page):
        exec(compile("\n" * line + code, ROOT / page, "exec"), names)
    assert len(opened) == (ROOT / page).read_text("utf-8").count("vk.view(scan)")
    pytest.importorskip("matplotlib.pyplot").close("all")


@pytest.mark.parametrize("page", [*PAGES, "docs/index.md"])
def test_links_lead_somewhere(page):
    text = re.sub(r"```.*?```|`[^`\n]*`", "", (ROOT / page).read_text("utf-8"), flags=re.DOTALL)
    for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", text):
        assert ((ROOT / page).parent / target).exists(), target
