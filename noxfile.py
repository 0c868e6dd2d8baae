# SPDX-License-Identifier: Apache-2.0
"""Every routine action, by name: ``nox -l`` lists them, ``nox -s NAME`` runs one."""

import re
import shutil
import zipfile
import zlib
from pathlib import Path

import nox

nox.options.sessions = ["lint", "tests", "cpp"]
nox.options.default_venv_backend = "venv"

CPP = [str(p) for p in sorted(Path("cpp").rglob("*")) if p.suffix in {".hpp", ".cpp", ".cu"}]
LINT = ("ruff==0.17.6", "mypy==2.4.1", "clang-format==18.1.8")
PYRIGHT = "basedpyright==1.40.2"  # pyright with its own Node.js, from PyPI alone
USER = "tests/package/typed_user.py"
BUILD = ("scikit-build-core>=0.12", "pybind11>=3.0", "cmake>=3.25", "ninja")


@nox.session
def lint(session: nox.Session) -> None:
    """Check formats and types: ruff, clang-format, mypy strict; a user's script by mypy and pyright."""
    session.install(*LINT, PYRIGHT, "numpy>=2.2", "pydicom>=3")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("clang-format", "--dry-run", "--Werror", *CPP)
    session.run("mypy")
    session.run("mypy", USER)
    session.run("basedpyright", USER)


@nox.session
def format(session: nox.Session) -> None:
    """Rewrite sources in the project's style."""
    session.install(*LINT)
    session.run("ruff", "check", "--fix", ".", success_codes=[0, 1])
    session.run("ruff", "format", ".")
    session.run("clang-format", "-i", *CPP)


@nox.session(python=["3.11", "3.12", "3.13"], reuse_venv=True)
def tests(session: nox.Session) -> None:
    """Install with test extras and run the Python tests."""
    session.install("--config-settings=cmake.define.VOXKERN_CUDA=OFF", ".[test]")
    session.run("pytest", "-n", "auto", *session.posargs)


def _cmake(session: nox.Session, preset: str, *options: str) -> None:
    session.install(*BUILD)
    session.run("cmake", "--preset", preset, *options)
    session.run("cmake", "--build", "--preset", preset)
    session.run("ctest", "--preset", preset)


@nox.session
def cpp(session: nox.Session) -> None:
    """Run the C++ tests, CUDA kernels on the CPU among them; inspect objects for leaked instructions."""
    _cmake(session, "dev")


@nox.session
def asan(session: nox.Session) -> None:
    """Run them with assertions, under AddressSanitizer and UndefinedBehaviorSanitizer.

    ``-- executor`` adds the CUDA kernels, as ``nightly`` does: it doubles the time.
    """
    _cmake(session, "asan", f"-DVOXKERN_CUDA={'EXECUTOR' if 'executor' in session.posargs else 'OFF'}")


@nox.session
def tsan(session: nox.Session) -> None:
    """Run them under ThreadSanitizer, at the level of processors other than x86-64."""
    _cmake(session, "tsan")


@nox.session
def coverage(session: nox.Session) -> None:
    """C++ tests with gcov, summary by gcovr."""
    session.install("gcovr")
    _cmake(session, "coverage")
    session.run("gcovr", "--root", ".", "--filter", "cpp/core", "--filter", "cpp/kernels", "build/coverage")


CUDA_LIMITS = {"cuda": 2_500_000, "cuda-wheel": 8_000_000}  # bytes of _cuda in a wheel, by preset


@nox.session
def cuda(session: nox.Session) -> None:
    """Compile the _cuda extension for one architecture, ``-- wheel`` for all of them; needs nvcc, no GPU.

    Warnings, registers that spill and a module too large for a wheel are errors.
    """
    session.install(*BUILD)
    pybind11 = session.run("python", "-m", "pybind11", "--cmakedir", silent=True)
    preset = "cuda-wheel" if "wheel" in session.posargs else "cuda"
    session.run("cmake", "--preset", preset, f"-Dpybind11_DIR={str(pybind11).strip()}")
    build = ("cmake", "--build", "--preset", preset, "--target")
    session.run(*build, "_cuda")
    module = max(Path("build", preset).rglob("_cuda*.so"), key=lambda file: file.stat().st_mtime)
    size = len(zlib.compress(module.read_bytes()))  # as a wheel holds it
    session.log(f"{module}: {size} bytes in a wheel")
    if size > CUDA_LIMITS[preset]:
        session.error(f"{module}: {size} bytes in a wheel, allowed {CUDA_LIMITS[preset]}")
    session.run(*build, "cuda_executor_kernels")
    said = session.run(*build, "cuda_spills", success_codes=range(1, 256), silent=True)
    if "Registers are spilled" not in str(said):
        session.error(f"cuda_spills fails for another reason than its spills:\n{said}")


@nox.session
def gpu_tests(session: nox.Session) -> None:
    """Python tests of GPU arrays on the executor; ``-- cupy`` checks the stand-in against CuPy."""
    session.install("--config-settings=cmake.define.VOXKERN_CUDA=EXECUTOR", ".[test]")
    if "cupy" in session.posargs:
        session.install("cupy-cuda13x>=14")
        session.run("pytest", "tests/gpu/test_standin_names.py")
        return
    for order, streams in (("forward", "eager"), ("1", "deferred")):
        settings = {"VOXKERN_CUDA_ORDER": order, "VOXKERN_CUDA_STREAMS": streams}
        session.run("pytest", "-q", "-n", "auto", "tests/gpu", *session.posargs, env=settings)


@nox.session(venv_backend="none")
def gpu(session: nox.Session) -> None:
    """Build, test, sanitize and time on a GPU, by the python with CuPy; ``-- --help`` tells the stages."""
    session.run("python", "tests/gpu/first_day.py", *session.posargs)


@nox.session
def cpp_install(session: nox.Session) -> None:
    """Install the C++ headers and library, and build a program against them."""
    session.install(*BUILD)
    prefix = Path(session.create_tmp()).resolve() / "prefix"
    session.run("cmake", "--preset", "release", "-DVOXKERN_PYTHON=OFF")
    session.run("cmake", "--build", "--preset", "release")
    session.run("cmake", "--install", "build/release", "--prefix", str(prefix), "--component", "headers")
    build = Path(session.create_tmp()).resolve() / "consumer"
    session.run(
        "cmake", "-S", "cpp/tests/consumer", "-B", str(build), "-G", "Ninja", f"-DCMAKE_PREFIX_PATH={prefix}"
    )
    session.run("cmake", "--build", str(build))
    session.run(str(build / "consumer"), external=True)


def enums() -> list[str]:
    """Return the names of the enums that bindings define."""
    sources = [p for p in Path("cpp").rglob("*.cpp") if p.name == "types.cpp" or p.name.endswith("_bind.cpp")]
    return [
        n for p in sorted(sources) for n in re.findall(r'native_enum<[\w:]+>\(module, "(\w+)"', p.read_text())
    ]


def generate_stub(folder: Path) -> str:
    """Return what pybind11-stubgen says of _core, with the two things it gets wrong put right."""
    text = (folder / "voxkern" / "_core.pyi").read_text()
    text = re.sub(rf"    (\w+): typing\.ClassVar\[(?:{'|'.join(enums())})\]", r"    \1 = ...", text)
    return text.replace("    @classmethod\n    def __new__(cls, value):\n        ...\n", "")


@nox.session
def stubs(session: nox.Session) -> None:
    """Write _core.pyi from the compiled module, and what tests/package_stubs.py makes of the sources.

    ``-- --check`` fails on a difference of the first; a test looks at the others.
    """
    session.install("--config-settings=cmake.define.VOXKERN_CUDA=OFF", ".", "pybind11-stubgen==3.0.0")
    folder = Path(session.create_tmp()).resolve()
    where = [word for name in enums() for word in ("--enum-class-locations", f"{name}:voxkern._core")]
    with session.chdir(folder):
        session.run(
            "pybind11-stubgen", "voxkern._core", "-o", str(folder), "--numpy-array-use-type-var", *where
        )
    target = Path(__file__).parent / "python" / "voxkern" / "_core.pyi"
    fresh = generate_stub(folder)
    if "--check" in session.posargs:
        if target.read_text() != fresh:
            session.error("_core.pyi is out of date: nox -s stubs")
    else:
        target.write_text(fresh)
        session.run("python", "tests/package_stubs.py")


@nox.session(python="3.11")
def nightly(session: nox.Session) -> None:
    """Run what is too slow for every change; nothing starts this by itself.

    All levels and slow tests with twenty times the examples, many orders of the executor, AddressSanitizer
    over it, and the kernels' tests on Python 3.13 with the newest NumPy. SciPy and other peers are pinned.
    """
    session.install("--config-settings=cmake.define.VOXKERN_CUDA=EXECUTOR", ".[test]")
    session.run("pytest", "-q", "-n", "auto", env={"VOXKERN_TEST_NIGHT": "20"})
    for order in ("reverse", "2", "3", "4"):
        settings = {"VOXKERN_CUDA_ORDER": order, "VOXKERN_CUDA_STREAMS": "deferred"}
        session.run("pytest", "-q", "-n", "auto", "tests/gpu", env=settings)
    session.notify("asan", ["executor"])
    session.notify("tests-3.13", ["-q", "tests/kernels"])


@nox.session(python="3.11")
def interop(session: nox.Session) -> None:
    """Run the tests with torch, MONAI, nnU-Net's resampling, ITK and nipype as they are installed today."""
    session.install("torch==2.13.0", "expecttest", "monai>=1.5", "scikit-image", ".[test]")
    session.install("itk>=5.4", "nipype>=1.10")  # 280 MB, and 3 MB with twenty small packages
    session.run("pytest", "-q", "tests/interop", "tests/package/test_foreign.py")


@nox.session
def sdist_check(session: nox.Session) -> None:
    """Build sdist, then a wheel from it with a compiler and pip alone; test all of it but the kernels.

    CMake, Ninja and nvcc are hidden, so the build must fetch the first two from PyPI.
    """
    session.install("build")
    tools = Path(session.create_tmp()).resolve() / "bare"
    shutil.rmtree(tools, ignore_errors=True)
    tools.mkdir()
    for name in ("cc", "c++", "gcc", "g++", "as", "ld", "ar", "ranlib", "nm", "strip", "sh", "uname"):
        found = shutil.which(name)
        if found:
            (tools / name).symlink_to(found)
    shutil.rmtree("dist", ignore_errors=True)
    path = f"{session.bin}:{tools}"
    session.run("python", "-m", "build", env={"PATH": path})
    wheel = next(Path("dist").glob("*.whl")).resolve()
    if wheel.stat().st_size > 10_000_000:
        session.error(f"{wheel.name} is {wheel.stat().st_size} bytes, allowed 10 MB")
    names = zipfile.ZipFile(wheel).namelist()
    if any("_cuda" in name for name in names) or not any("/_core" in name for name in names):
        session.error(f"{wheel.name}: expected _core and no _cuda in {names}")
    session.install(f"voxkern[test] @ {wheel.as_uri()}")
    session.run("pytest", "-q", "-n", "auto", "-m", "not slow", "--ignore=tests/kernels")


@nox.session
def bench(session: nox.Session) -> None:
    """Time the kernels with pytest-benchmark; ``-- benchmarks/bench/bench_NAME.py`` one of them."""
    session.install(".[bench,test]")
    files = [] if any(Path(a).exists() for a in session.posargs) else ["benchmarks"]
    one_statistic = ("--benchmark-columns=min,rounds", "--benchmark-sort=name", "--benchmark-time-unit=ms")
    session.run("pytest", *files, "--benchmark-enable", "--benchmark-only", *one_statistic, *session.posargs)


@nox.session
def compare(session: nox.Session) -> None:
    """Compare with SciPy, SimpleITK, torch and others; ``-- --write`` writes docs/performance and README."""
    session.install(".[bench]")
    session.run("python", "-m", "benchmarks.peers", *session.posargs)


@nox.session
def regress(session: nox.Session) -> None:
    """Time this tree against its parent commit, or ``-- COMMIT``; fail where it is slower."""
    named = bool(session.posargs) and not session.posargs[0].startswith("-")
    commit, options = (session.posargs[0], session.posargs[1:]) if named else ("HEAD^", session.posargs)
    room = Path(session.create_tmp()).resolve()
    archive, tree, python = room / "parent.tar", room / "parent", room / "parent.env" / "bin" / "python"
    session.run("git", "archive", f"--output={archive}", commit, external=True)
    shutil.rmtree(tree, ignore_errors=True)
    shutil.unpack_archive(archive, tree)
    session.run("python", "-m", "venv", "--clear", str(python.parents[1]))
    needs = ("--config-settings=cmake.define.VOXKERN_CUDA=OFF", "scipy", "nilearn")
    session.run(str(python), "-m", "pip", "install", *needs, f"{tree}[io]", external=True)
    session.install(*needs, ".[io]")
    session.run("python", "-m", "benchmarks.peers.parent", str(python), *options)


@nox.session
def docs(session: nox.Session) -> None:
    """Build the documentation into docs/_build."""
    session.install(".[docs]")
    session.run("sphinx-build", "-W", "-b", "html", "docs", "docs/_build/html")


SKELETON = "copy"  # the smallest kernel: CPU and CUDA side, binding, tests, benchmark


def _add_line(path: Path, pattern: str, line: str) -> None:
    """Put ``line`` behind the last line that matches ``pattern``."""
    lines = path.read_text().splitlines(keepends=True)
    last = max(i for i, old in enumerate(lines) if re.match(pattern, old))
    path.write_text("".join([*lines[: last + 1], line, *lines[last + 1 :]]))


@nox.session
def new_kernel(session: nox.Session) -> None:
    """Write the skeleton of a new kernel, complete with tests: ``nox -s new_kernel -- NAME``."""
    if len(session.posargs) != 1 or not re.fullmatch(r"[a-z][a-z0-9_]*", session.posargs[0]):
        session.error("give the new kernel's name: nox -s new_kernel -- NAME")
    name = session.posargs[0]
    if Path("cpp/kernels", name).exists():
        session.error(f"cpp/kernels/{name} exists")
    sources = [
        *sorted(Path("cpp/kernels", SKELETON).iterdir()),
        Path(f"cpp/tests/test_{SKELETON}.cpp"),
        Path(f"python/voxkern/reference/{SKELETON}.py"),
        Path(f"tests/kernels/test_{SKELETON}.py"),
        Path(f"benchmarks/bench/bench_{SKELETON}.py"),
        Path(f"benchmarks/cases/{SKELETON}.py"),
    ]
    word = re.compile(rf"(?<![A-Za-z0-9]){SKELETON}(?![A-Za-z0-9]|\(\))")
    for source in sources:
        target = Path(word.sub(name, str(source)))
        target.parent.mkdir(exist_ok=True)
        target.write_text(word.sub(name, source.read_text()))
        session.log(f"wrote {target}")
    _add_line(Path("cpp/CMakeLists.txt"), r"voxkern_add_kernel\(", f"voxkern_add_kernel({name})\n")
    _add_line(Path("CHANGELOG.md"), r"- `\w+` kernel", f"- `{name}` kernel: say here what it computes.\n")
    session.log("next: the formula in its reference, a wrapper and its export, then nox -s stubs")


@nox.session
def new_kernel_check(session: nox.Session) -> None:
    """Make a kernel from the skeleton in a copy of this tree, build it, test it, throw it away."""
    session.install("nox", "build")
    tree = Path(session.create_tmp()).resolve() / "tree"
    shutil.rmtree(tree, ignore_errors=True)
    files = session.run("git", "ls-files", silent=True, external=True)
    for file in str(files).split():
        (tree / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, tree / file)
    with session.chdir(tree):
        session.run("nox", "-s", "new_kernel", "--", "made_up")
        session.install("--config-settings=cmake.define.VOXKERN_CUDA=OFF", ".[test]")
        tests = [f"tests/{name}.py" for name in ("kernels/test_made_up", "package/test_surface")]
        session.run("pytest", "-q", *tests, "tests/package/test_benchmarks.py", "-k", "made_up")
