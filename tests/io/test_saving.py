# SPDX-License-Identifier: Apache-2.0
"""Whatever happens to a save, there is the old file or the new one, and nothing else for long."""

import importlib.util
import os
import subprocess
import sys
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import numpy as np
import pytest

import voxkern as vk
from voxkern._app.cli import main
from voxkern._runtime.files import writing
from voxkern.io import formats

pytest.importorskip("nibabel")
pytest.importorskip("SimpleITK")
HAVE_ZARR = importlib.util.find_spec("zarr") is not None
NAMES = [f"x{suffix}" for suffix in formats.SAVED if HAVE_ZARR or not suffix.endswith(".zarr")]
LEFT = ".voxkern-writing-*"


def volume(seed):
    voxels = np.random.default_rng(seed).integers(0, 60000, (1, 150, 160)).astype(np.uint16)
    return vk.Volume(voxels, np.array([[0, 0, -0.9, 0], [0, -0.9, 0, 0], [2.0, 0, 0, 0], [0, 0, 0, 1]]))


def loaded(path):
    v = vk.load(path, **({"spacing": 1} if path.suffix == ".png" else {}))
    return np.asarray(v.data)


def refused(error, *_):
    raise error


@contextmanager
def full_disk(size):
    """Let no file grow beyond ``size`` bytes."""
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    writes_none, sys.dont_write_bytecode = sys.dont_write_bytecode, True  # Python would leave half a module
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        sys.dont_write_bytecode = writes_none


@pytest.mark.parametrize("name", NAMES)
def test_full_disk_leaves_the_old_file(tmp_path, name):
    path = vk.save(volume(0), tmp_path / name)
    before = sorted(p.name for p in tmp_path.iterdir())
    with full_disk(10_000), pytest.raises(vk.SaveError, match=f"^path: {name} cannot be written: ") as caught:
        vk.save(volume(1), path)
    assert isinstance(caught.value, OSError) and "writing-" not in str(caught.value)
    assert sorted(p.name for p in tmp_path.iterdir()) == before
    np.testing.assert_array_equal(loaded(path), volume(0).data)


@pytest.mark.parametrize("format", formats.FOLDERS)
def test_full_disk_leaves_no_folder(tmp_path, format):
    with full_disk(10_000), pytest.raises(vk.SaveError):
        vk.save(volume(0), tmp_path / "series", format=format)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", NAMES)
def test_full_disk_is_one_line_of_the_program(tmp_path, capsys, name):
    scan, words = vk.save(volume(0), tmp_path / "scan.npz"), ["convert", "--quiet"]
    with full_disk(10_000):
        assert main([*words, str(scan), str(tmp_path / name)]) == 1
    told = capsys.readouterr().err
    assert told.startswith(f"voxkern: error: path: {name} cannot be written: ") and told.count("\n") == 1
    assert [p.name for p in tmp_path.iterdir()] == ["scan.npz"]


KILLED = """
import os, signal, sys
import numpy as np
import nibabel, nrrd, PIL.Image, SimpleITK  # once, not in each child
import voxkern as vk
from voxkern._runtime import files

end, step, *paths = sys.argv[1:]
volume = vk.Volume(np.zeros((1, 30, 40), np.uint16), np.eye(4))
do = files._put
def put(new, target):
    if step == "before" or target.suffix == ".mhd":
        os.kill(os.getpid(), getattr(signal, end))
    do(new, target)
files._put = put
for path in paths:
    child = os.fork()
    if child == 0:
        vk.save(volume, path)
    _, status = os.waitpid(child, 0)
    assert os.WTERMSIG(status) == getattr(signal, end), path
"""


def killed(step, *paths, end="SIGKILL"):
    subprocess.run([sys.executable, "-W", "ignore", "-c", KILLED, end, step, *map(str, paths)], check=True)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.parametrize("end", ["SIGTERM", "SIGKILL"])
def test_a_killed_save_leaves_the_old_file_and_the_next_one_cleans_up(tmp_path, end):
    paths = []
    for name in sorted(set(NAMES) - {"x.zarr"}):
        (tmp_path / name).mkdir()
        paths.append(vk.save(volume(0), tmp_path / name / name))
    killed("before", *paths, end=end)
    for path in paths:
        np.testing.assert_array_equal(loaded(path), volume(0).data)
        assert len(list(path.parent.glob(LEFT))) == 1
        vk.save(volume(1), path)
        np.testing.assert_array_equal(loaded(path), volume(1).data)
        left = {p.name for p in path.parent.iterdir()} - {path.name}
        assert all(name.endswith(".zraw") for name in left) and len(left) == (path.suffix == ".mhd")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_the_two_files_of_one_image_are_of_one_save(tmp_path):
    """Killed between voxels and header, the old header still has the old voxels."""
    path = vk.save(volume(0), tmp_path / "x.mhd")
    for seed in (1, 2):
        killed("between", path)
        np.testing.assert_array_equal(loaded(path), volume(seed - 1).data)
        vk.save(volume(seed), path)
        np.testing.assert_array_equal(loaded(path), volume(seed).data)
        assert len(list(tmp_path.iterdir())) == 2


def test_a_save_spares_what_others_are_writing(tmp_path):
    with writing(tmp_path / "slow.txt") as temporary:
        temporary.write_text("slow")
        vk.save(volume(0), tmp_path / "quick.nii")
        assert temporary.exists()
    assert {p.name for p in tmp_path.iterdir()} == {"slow.txt", "quick.nii"}


@pytest.mark.parametrize("lacks", [None, AttributeError, TypeError])  # all is there, no renameat2, no library
def test_a_store_is_replaced_as_a_whole(tmp_path, lacks, monkeypatch):
    pytest.importorskip("zarr")
    if lacks:
        monkeypatch.setattr("ctypes.CDLL", partial(refused, lacks))
    path = vk.save(volume(0), tmp_path / "x.nii.zarr")
    (path / "of the old one").touch()
    vk.save(volume(1), path)
    np.testing.assert_array_equal(loaded(path), volume(1).data)
    assert not (path / "of the old one").exists() and len(list(tmp_path.iterdir())) == 1
    if lacks:
        failing = volume(2)
        move = Path.replace

        def stopped(error, self, target):
            if Path(target) == path and self.parent != tmp_path and self.parent.name != "replaced":
                raise error
            return move(self, target)

        busy = (PermissionError(1, "busy"), vk.SaveError)
        for error, raised in (busy, (KeyboardInterrupt(), KeyboardInterrupt)):
            with monkeypatch.context() as patched, pytest.raises(raised):
                patched.setattr(Path, "replace", lambda *a, error=error: stopped(error, *a))
                vk.save(failing, path)
            np.testing.assert_array_equal(loaded(path), volume(1).data)
            assert len(list(tmp_path.iterdir())) == 1
        (tmp_path / ".voxkern-writing-killed" / "replaced").mkdir(parents=True)  # between the two steps
        path.replace(tmp_path / ".voxkern-writing-killed" / "replaced" / path.name)
        vk.save(volume(0), tmp_path / "y.nii").unlink()
        np.testing.assert_array_equal(loaded(path), volume(1).data)
        assert len(list(tmp_path.iterdir())) == 1
    (tmp_path / "other.zarr").mkdir()
    (tmp_path / "other.zarr" / "thesis.txt").touch()
    with pytest.raises(vk.ArgumentError, match="new or empty"):
        vk.save(volume(1), tmp_path / "other.zarr")


@pytest.mark.parametrize("name", NAMES)
def test_overwrite(tmp_path, name):
    path = vk.save(volume(0), tmp_path / name, overwrite=False)
    with pytest.raises(vk.ArgumentError, match="which exists"):
        vk.save(volume(1), path, overwrite=False)
    np.testing.assert_array_equal(loaded(path), volume(0).data)
    np.testing.assert_array_equal(loaded(vk.save(volume(1), path)), volume(1).data)


def test_a_new_file_has_the_usual_permissions(tmp_path):
    (tmp_path / "usual").touch()
    path = vk.save(volume(0), tmp_path / "x.nii")
    assert path.stat().st_mode == (tmp_path / "usual").stat().st_mode


def test_files_of_others_stay(tmp_path):
    (tmp_path / "x.zraw").write_text("precious")
    path = vk.save(volume(0), tmp_path / "x.mhd", overwrite=False)
    assert (tmp_path / "x.zraw").read_text() == "precious"
    np.testing.assert_array_equal(loaded(path), volume(0).data)
    path.unlink()
    with pytest.raises(vk.ArgumentError, match=r"x\.zraw and x\.mhd\.zraw are there"):
        vk.save(volume(0), path)


@pytest.mark.parametrize(
    ("word", "path", "options"),
    [("format", "x.nii.gz", {"format": "dicom"}), ("format", "x.png", {"format": "png"}), ("path", ".", {})],
)
def test_names_that_contradict(tmp_path, monkeypatch, word, path, options):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(vk.ArgumentError, match=f"^{word}: got"):
        vk.save(volume(0), path, **options)
    assert not list(tmp_path.iterdir())
