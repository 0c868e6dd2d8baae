# SPDX-License-Identifier: Apache-2.0
"""nipype's interface of ANTs' N4BiasFieldCorrection, run with the program that the guide names."""

import sys

import numpy as np
import pytest

import voxkern as vk

ants = pytest.importorskip("nipype.interfaces.ants", reason="nipype is not installed: nox -s interop has it")
pytest.importorskip("nibabel")


@pytest.fixture
def scan(tmp_path, monkeypatch):
    """Return a shaded ball on disk, where a program ``voxkern`` is found."""
    program = tmp_path / "voxkern"
    program.write_text(f"#!{sys.executable}\nfrom voxkern._app.cli import main\nraise SystemExit(main())\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.setenv("PYTHONPATH", ":".join(sys.path))
    monkeypatch.chdir(tmp_path)
    i, j, k = np.meshgrid(*[np.linspace(-1, 1, n) for n in (24, 22, 20)], indexing="ij")
    voxels = np.where(i**2 + j**2 + k**2 < 0.7, 100 * np.exp(0.3 * j), 5).astype(np.float32)
    return vk.load(vk.save(vk.Volume(voxels, np.diag([1.5, 1.2, 2.0, 1.0])), "scan.nii.gz"))


def test_n4(scan):
    run = ants.N4BiasFieldCorrection(
        command="voxkern n4",
        input_image="scan.nii.gz",
        shrink_factor=2,
        n_iterations=[20, 10],
        convergence_threshold=1e-6,
        save_bias=True,
        bias_image="bias.nii.gz",
    ).run()
    want, field = vk.n4_bias_field_correction(
        scan,
        shrink_factor=2,
        maximum_number_of_iterations=(20, 10),
        convergence_threshold=1e-6,
        mesh=1,
        outside="input",
        return_field=True,
    )
    np.testing.assert_array_equal(vk.load(run.outputs.output_image).data, want.data)
    np.testing.assert_array_equal(vk.load(run.outputs.bias_image).data, field.data)
