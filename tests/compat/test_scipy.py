# SPDX-License-Identifier: Apache-2.0
"""`patch_scipy`: what it replaces and where, that it undoes itself, and that calls behave as scipy's."""

import concurrent.futures
import importlib.util
import inspect
import itertools
import multiprocessing
import pickle
import subprocess
import sys
import threading
import types

import numpy as np
import pytest
import scipy.ndimage
import scipy.signal
from cases import FILTERS, assert_same, image

import voxkern as vk
from voxkern import ndimage
from voxkern.compat.scipy import Patch

THEIRS = {name: getattr(scipy.ndimage, name) for name in scipy.ndimage.__all__}
X = np.random.default_rng(1).random((6, 7, 8))


def state():
    """Return every attribute of every module that is a function of scipy.ndimage, or stands for one."""
    names = {name for name in THEIRS if name in ndimage.__all__}
    return {
        (module, key): value
        for module, loaded in sys.modules.copy().items()
        if isinstance(loaded, types.ModuleType)
        for key, value in vars(loaded).copy().items()
        if type(value) is types.FunctionType and value.__name__ in names and module != __name__
    }


@pytest.fixture
def library():
    """A module of somebody else's, with functions under scipy's and other names."""
    module = types.ModuleType("library_of_others")
    code = """
from scipy.ndimage import gaussian_filter, fourier_shift, zoom as enlarge
def run(x): return enlarge(x, 2)
"""
    exec(code, vars(module))
    sys.modules[module.__name__] = module
    yield module
    del sys.modules[module.__name__]


def is_ours(function):
    return getattr(function, "__wrapped__", None) is getattr(ndimage, function.__name__)


# --- what is replaced, and undone ---------------------------------------------------------------------


def test_all_our_functions_and_no_others_take_scipys_place():
    with vk.patch_scipy() as patch:
        for name, theirs in THEIRS.items():
            function = getattr(scipy.ndimage, name)
            assert is_ours(function) if name in ndimage.__all__ else function is theirs
        assert set(patch.replaced) == set(ndimage.__all__)
    assert {name: getattr(scipy.ndimage, name) for name in THEIRS} == THEIRS


def test_modules_that_imported_the_functions_are_reached(library):
    with vk.patch_scipy() as patch:
        assert is_ours(library.enlarge) and is_ours(library.gaussian_filter)
        assert library.fourier_shift is THEIRS["fourier_shift"]
        assert patch.replaced["zoom"] == tuple(sorted({"library_of_others", "scipy.ndimage"}))
        assert library.run(X).shape == (12, 14, 16)
    assert library.enlarge is THEIRS["zoom"] and library.gaussian_filter is THEIRS["gaussian_filter"]


def test_scipys_private_modules_stay():
    private = sys.modules["scipy.ndimage._filters"]
    with vk.patch_scipy() as patch:
        assert private.gaussian_filter1d is THEIRS["gaussian_filter1d"]
        assert not any(m.startswith("scipy.ndimage._") for places in patch.replaced.values() for m in places)


def test_other_parts_of_scipy_are_reached():
    with vk.patch_scipy() as patch:
        assert "scipy.signal._savitzky_golay" in patch.replaced["convolve1d"]


def test_undone_exactly(library):
    before = state()
    with vk.patch_scipy():
        assert state() != before
    assert state() == before


def test_undone_after_an_exception():
    before = state()
    with pytest.raises(KeyError), vk.patch_scipy():
        raise KeyError
    assert state() == before


def test_as_a_plain_function():
    before = state()
    patch = vk.patch_scipy()
    assert is_ours(scipy.ndimage.zoom)
    patch.undo()
    assert state() == before
    patch.undo()
    assert state() == before


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_patches_overlap_in_any_order(order):
    before = state()
    patches = [vk.patch_scipy() for _ in range(3)]
    for i in order:
        assert is_ours(scipy.ndimage.zoom)
        patches[i].undo()
    assert state() == before


def test_nested_in_a_patch_nothing_is_wrapped_twice():
    with vk.patch_scipy():
        first = scipy.ndimage.zoom
        with vk.patch_scipy() as inner:
            assert scipy.ndimage.zoom is first and inner.replaced["zoom"] == ("scipy.ndimage",)
        assert scipy.ndimage.zoom is first


def test_a_module_imported_meanwhile_is_undone_too():
    module = types.ModuleType("late_library")
    try:
        with vk.patch_scipy() as patch:
            sys.modules[module.__name__] = module
            exec("from scipy.ndimage import zoom, shift as move", vars(module))
            assert is_ours(module.zoom) and "late_library" in patch.replaced["shift"]
        assert module.zoom is THEIRS["zoom"] and module.move is THEIRS["shift"]
    finally:
        del sys.modules[module.__name__]


def test_what_somebody_put_over_ours_is_left(monkeypatch):
    monkeypatch.setattr(scipy.ndimage, "zoom", THEIRS["zoom"])
    with vk.patch_scipy():
        scipy.ndimage.zoom = len
    assert scipy.ndimage.zoom is len


def test_undone_where_the_patch_cannot_be_completed(monkeypatch):
    before = state()
    package = sys.modules["voxkern.compat.scipy"]
    real, calls = package._exchange, []

    def broken(pairs):
        calls.append(1)
        real(pairs)
        if len(calls) == 1:
            raise KeyboardInterrupt

    monkeypatch.setattr(package, "_exchange", broken)
    with pytest.raises(KeyboardInterrupt):
        vk.patch_scipy()
    assert state() == before


def test_an_interrupted_undo_can_be_repeated(monkeypatch):
    before = state()
    package = sys.modules["voxkern.compat.scipy"]
    patch = vk.patch_scipy()

    def interrupted(pairs):
        raise KeyboardInterrupt

    with monkeypatch.context() as broken:
        broken.setattr(package, "_exchange", interrupted)
        with pytest.raises(KeyboardInterrupt):
            patch.undo()
    assert is_ours(scipy.ndimage.zoom)
    patch.undo()
    assert state() == before


def test_it_says_what_it_replaced():
    with vk.patch_scipy() as patch:
        assert repr(patch).startswith("<Patch, standing: affine_transform, ")
        replaced = patch.replaced
    assert patch.replaced == replaced and isinstance(patch, Patch)
    assert "undone: affine_transform" in repr(patch) and "scipy.ndimage" in repr(patch)


def test_lazy_modules_are_not_loaded(tmp_path, monkeypatch):
    (tmp_path / "sleeping.py").write_text("from scipy.ndimage import zoom\nawake = True\n")
    monkeypatch.syspath_prepend(tmp_path)
    spec = importlib.util.find_spec("sleeping")
    spec.loader = importlib.util.LazyLoader(spec.loader)
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "sleeping", module)
    spec.loader.exec_module(module)
    with vk.patch_scipy():
        assert "awake" not in object.__getattribute__(module, "__dict__")
        assert is_ours(module.zoom)
    assert module.zoom is THEIRS["zoom"]


# --- calls behave as scipy's --------------------------------------------------------------------------


def test_signatures_are_supersets_of_scipys():
    with vk.patch_scipy() as patch:
        for name in patch.replaced:
            ours = inspect.signature(getattr(scipy.ndimage, name)).parameters
            theirs = inspect.signature(THEIRS[name]).parameters
            positional = [key for key, p in theirs.items() if p.kind is p.POSITIONAL_OR_KEYWORD]
            assert list(ours)[: len(positional)] == positional, name
            for key, parameter in theirs.items():
                assert (ours[key].kind, ours[key].default) == (parameter.kind, parameter.default), (name, key)
            assert all(ours[key].kind is inspect.Parameter.KEYWORD_ONLY for key in set(ours) - set(theirs))


@pytest.mark.parametrize(("name", "args"), FILTERS)
def test_answers(rng, name, args):
    x = image(rng, (8, 9, 10), "float64")
    with vk.patch_scipy():
        assert_same(getattr(scipy.ndimage, name)(x, **args), THEIRS[name](x, **args), "float64")


@pytest.fixture
def counted(monkeypatch):
    """Count the calls of our gaussian_filter and zoom that give an answer."""
    answers = []

    def count(name):
        real = getattr(ndimage, name)

        def call(*args, **kwargs):
            result = real(*args, **kwargs)
            answers.append(name)
            return result

        return call

    for name in ("gaussian_filter", "zoom", "geometric_transform"):
        monkeypatch.setattr(ndimage, name, count(name))
    return answers


class Array:
    """An array of some other library."""

    def __array__(self, dtype=None, copy=None):
        return np.array(X, dtype=dtype)


OURS = {
    "array": X,
    "reversed": X[::-1, :, ::2],
    "list": X.tolist(),
    "masked": np.ma.masked_less(X, 0.5),
    "matrix": X[0].view(np.matrix),
    "big-endian": X.astype(">f8"),
    "memory-mapped": X.view(np.memmap),
    "bool": X > 0.5,
    "complex": X + 1j,
    "no axes": np.float64(3),
    "empty": X[:0],
}
SCIPYS = {
    "other array": Array(),
    "Volume": vk.Volume(X, np.eye(4)),
    "object": X.astype(object),
    "text": np.array(["a"]),
    "float16": X.astype(np.float16),
    "longdouble": X.astype(np.longdouble),
    "None": None,
    "ragged": [[1], [2, 3]],
    "dates": X.astype("M8[s]"),
}


def outcome(function, *args, **kwargs):
    """Return what came of a call: kind of result, dtype and bytes, or the exception."""
    try:
        result = function(*args, **kwargs)
    except Exception as error:
        assert error.__context__ is None, "no exception behind scipy's"
        return type(error), str(error)
    return type(result), result.dtype, result.shape, result.tobytes()


@pytest.mark.parametrize("name", OURS)
def test_what_is_computed_here(counted, name):
    want = outcome(THEIRS["gaussian_filter"], OURS[name], 1)
    with vk.patch_scipy():
        assert outcome(scipy.ndimage.gaussian_filter, OURS[name], 1) == want
    assert counted == ["gaussian_filter"]


@pytest.mark.parametrize("name", SCIPYS)
def test_what_only_scipy_knows(counted, name):
    want = outcome(THEIRS["gaussian_filter"], SCIPYS[name], 1)
    with vk.patch_scipy():
        assert outcome(scipy.ndimage.gaussian_filter, SCIPYS[name], 1) == want
    assert not counted


@pytest.mark.parametrize(
    ("args", "kwargs"),
    [
        ((), {}),
        ((X,), {}),
        ((X, 2, 3, 4, 5, 6, 7, 8, 9), {}),
        ((X, 2), {"made_up": 1}),
        ((X, 2), {"mode": "made_up"}),
        ((X, 2), {"order": 9}),
        ((X, [2, 2]), {}),
        ((X, "2"), {}),
        ((X, 2), {"output": np.empty(3)}),
        ((X, 2), {"output": object}),
        ((X, 2), {"output": "made_up"}),
        ((np.arange(512.0).reshape((2,) * 9), 1.5), {"order": 1}),
    ],
)
def test_what_ours_refuses_ends_as_scipys_call(args, kwargs):
    want = outcome(THEIRS["zoom"], *args, **kwargs)
    with vk.patch_scipy():
        assert outcome(scipy.ndimage.zoom, *args, **kwargs) == want


@pytest.mark.parametrize("out", [np.empty_like(X), np.asfortranarray(X), np.empty_like(X).view(np.memmap)])
def test_output_arrays_are_written_and_returned(out):
    with vk.patch_scipy():
        assert scipy.ndimage.gaussian_filter(X, 1, output=out) is out
    np.testing.assert_array_equal(out, THEIRS["gaussian_filter"](X, 1))


def test_a_failed_call_that_may_have_written_is_not_repeated(monkeypatch):
    def half(input, *args, output=None, **kwargs):
        output[:2] = 7
        raise RuntimeError("half")

    half.__name__ = "zoom"
    monkeypatch.setattr(ndimage, "zoom", half)
    x, apart = X.copy(), np.empty_like(X)
    with vk.patch_scipy():
        with pytest.raises(RuntimeError, match="half"):
            scipy.ndimage.zoom(x, 1, output=x)
        with pytest.raises(RuntimeError, match="half"):
            scipy.ndimage.zoom(x, 1, output=x[::-1])
        scipy.ndimage.zoom(X, 1, output=apart)
    np.testing.assert_array_equal(apart, THEIRS["zoom"](X, 1))


def test_threads_is_ours(counted):
    with vk.patch_scipy():
        scipy.ndimage.zoom(X, 2, threads=2)
        with pytest.raises(vk.VoxkernError, match="threads"):
            scipy.ndimage.zoom(X, 2, threads="two")
    assert counted == ["zoom"]


def test_exceptions_of_callbacks_pass_on():
    def mapping(index):
        raise LookupError("mine")

    with vk.patch_scipy(), pytest.raises(LookupError, match="mine"):
        scipy.ndimage.geometric_transform(X, mapping)


def test_interruptions_are_not_answered_by_scipy(monkeypatch):
    def interrupted(input, *args, output=None, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr(ndimage, "zoom", interrupted)
    with vk.patch_scipy(), pytest.raises(KeyboardInterrupt):
        scipy.ndimage.zoom(X, 2)


# --- threads, processes, programs ---------------------------------------------------------------------


def test_threads_patch_and_call_at_once():
    before = state()
    want = THEIRS["gaussian_filter"](X, 1)
    start = threading.Barrier(8)

    def work(i):
        start.wait()
        for _ in range(8):
            with vk.patch_scipy():
                assert is_ours(scipy.ndimage.gaussian_filter)
                np.testing.assert_array_equal(scipy.ndimage.gaussian_filter(X, 1), want)

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    assert state() == before


def test_functions_pickle_by_scipys_name():
    with vk.patch_scipy():
        packed = pickle.dumps(scipy.ndimage.zoom)
        assert pickle.loads(packed) is scipy.ndimage.zoom
    assert pickle.loads(packed) is THEIRS["zoom"]


def ask(queue):
    queue.put(is_ours(scipy.ndimage.zoom))


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_process_inherits_the_patch():
    context = multiprocessing.get_context("fork")
    queue = context.SimpleQueue()
    with vk.patch_scipy():
        child = context.Process(target=ask, args=(queue,))
        child.start()
        child.join()
    assert queue.get()


SCRIPT = """
import sys
from helper import resized
from scipy.ndimage import zoom
if __name__ == "__main__":
    print(zoom.__wrapped__.__module__, resized.__wrapped__.__module__, *sys.argv[1:])
    print(sys.argv[0] == __file__, sys.modules["__main__"].__dict__ is globals())
    sys.exit(3)
"""


@pytest.fixture
def program(tmp_path):
    (tmp_path / "script.py").write_text(SCRIPT)
    (tmp_path / "helper.py").write_text("from scipy.ndimage import zoom as resized\n")
    return tmp_path


def run(*arguments, cwd):
    command = [sys.executable, "-m", "voxkern.compat.scipy", *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd)


def test_a_script_runs_patched(program):
    done = run("-v", str(program / "script.py"), "-v", "--size", "3", "-m", cwd=program.parent)
    places = "voxkern.ndimage._interpolation voxkern.ndimage._interpolation"
    assert done.stdout == f"{places} -v --size 3 -m\nTrue True\n" and done.returncode == 3, done.stderr
    assert done.stderr.startswith("<Patch, standing: affine_transform") and "helper" in done.stderr


def test_a_module_runs_patched(program):
    done = run("-m", "script", "a", "--b", cwd=program)
    assert done.stdout.splitlines()[0].endswith("_interpolation a --b") and done.returncode == 3, done.stderr
    assert done.stdout.splitlines()[1] == "True True"
    assert done.stderr == ""


@pytest.mark.parametrize("arguments", [(), ("missing.py",), ("--made-up",)])
def test_wrong_command_lines(tmp_path, arguments):
    done = run(*arguments, cwd=tmp_path)
    assert done.returncode == 2 and done.stderr.startswith("usage: python -m voxkern.compat.scipy")


def test_nothing_is_imported_before_it_is_called():
    code = """
import sys, voxkern as vk
vk.patch_scipy, vk.compat.scipy, dir(vk.compat)
print("scipy" in sys.modules, "voxkern.ndimage" in sys.modules)
sys.modules["scipy"] = sys.modules["scipy.ndimage"] = None
try:
    vk.patch_scipy()
except vk.MissingPackageError as error:
    print("pip install scipy" in str(error))
try:
    vk.compat.made_up
except AttributeError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [
        "False False",
        "True",
        "module 'voxkern.compat' has no attribute 'made_up'",
    ]
