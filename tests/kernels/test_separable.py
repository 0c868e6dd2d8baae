# SPDX-License-Identifier: Apache-2.0
"""separable: reference, eigenvalues, vesselness, tiles, edges."""

import numpy as np
import pytest
from cases import DTYPES, FLOAT64, MODES, SIZES, filter_weights, image, in_layout

from voxkern import _core
from voxkern._core import AxisFilter, Combine, SeparableOptions
from voxkern._runtime.validate import FILTER_MODES
from voxkern.reference import separable as reference

FLOAT32 = 2e-6  # of the largest value that goes in
COMBINES = {"sum": 2, "magnitude": 3, "eigenvalues": 6, "vesselness": 6, "norm": 6}


def run(x, terms, combine="sum", mode="reflect", dtype=np.float64, out=None, threads=2, cval=0.0, **options):
    """Run the kernel on terms that map axes to weights."""
    filters = [
        [AxisFilter(axis=a, weights=list(w), mode=FILTER_MODES[mode]) for a, w in term.items()]
        for term in terms
    ]
    outputs = {3: 2, 6: 3}[len(terms)] if combine == "eigenvalues" else 1
    if out is None:
        out = np.zeros((*x.shape, outputs), dtype)
    norm = _core.separable(
        x, out, filters, SeparableOptions(combine=Combine[combine], cval=cval, **options), threads
    )
    return np.float64(norm) if combine == "norm" else out


def some_terms(rng, count, axes=3):
    """Return terms that share some filters, lack some, and differ in length."""
    pool = [filter_weights(rng, kind) for kind in ("even", "odd", "none")] + [
        rng.random(2),
        [1.0],
        [1.0, 2.0, -0.5],
    ]
    pool = [np.asarray(w) / np.abs(w).sum() for w in pool]
    return [
        {a: pool[rng.integers(len(pool))] for a in range(axes) if rng.random() < 0.8} for _ in range(count)
    ]


def close(got, want, x, dtype=np.float64):
    scale = max(float(np.abs(a).max(initial=0.0)) for a in (x, want))
    allowed = (FLOAT64 if dtype == np.float64 else FLOAT32) * scale
    return got.shape == want.shape and np.abs(got - want).max(initial=0.0) <= allowed


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("combine", COMBINES)
def test_matches_reference(rng, cpu_level, combine, mode):
    x = rng.standard_normal((5, 8, 19))
    for _ in range(3):
        terms = some_terms(rng, COMBINES[combine])
        want = reference.separable(x, terms, combine, mode, 1.5)
        assert close(run(x, terms, combine, mode, cval=1.5), want, x)
        got = run(x.astype(np.float32), terms, combine, mode, np.float32, cval=1.5)
        if combine != "vesselness":  # a ratio of small numbers
            assert close(got, want, x, np.float32)


@pytest.mark.parametrize("n", SIZES)
def test_sizes_around_vectors(rng, cpu_level, n):
    for shape in [(n,), (n, 3), (3, n), (2, n, 17), (n, 2, 5), (2, 3, n), (2, 3, 4, n)]:
        x = rng.random(shape)
        for combine in ("sum", "magnitude"):
            terms = some_terms(rng, 3, min(len(shape), 3))
            for dtype in (np.float32, np.float64):
                got = run(x.astype(dtype), terms, combine, dtype=dtype)
                assert close(got, reference.separable(x, terms, combine), x, dtype), (shape, combine)


@pytest.mark.parametrize("shape", [(40, 3, 5), (3, 300, 4), (2, 3, 2500), (70, 150, 20)])
def test_cut_into_tiles(rng, cpu_level, shape):
    """More planes, rows and columns than a tile has, and filters longer than some of the axes."""
    x = rng.random(shape, np.float32)
    terms = [{a: np.ones(21) / 21 for a in range(3)}, {0: [-1, 0, 1]}, {2: [0.5, 0.5]}]
    for mode in ("mirror", "constant"):
        got = run(x, terms, "sum", mode, np.float32, cval=0.5)
        assert close(got, reference.separable(x, terms, "sum", mode, 0.5), x, np.float32)


@pytest.mark.parametrize("dtype", DTYPES)
def test_dtypes_and_layouts(rng, cpu_level, dtype):
    x = image(rng, (7, 8, 18), dtype)
    terms = some_terms(rng, 6)
    for combine in ("magnitude", "eigenvalues"):
        want = reference.separable(x, terms, combine)
        for name in ("C", "F", "reversed", "strided"):
            for result in (np.float32, np.float64):
                out = in_layout(np.zeros(want.shape, result), name)
                assert close(run(in_layout(x, name), terms, combine, out=out), want, x, result), name
    broadcast = np.broadcast_to(x[:1], x.shape)
    assert close(run(broadcast, terms), reference.separable(broadcast, terms), x)


def matrices(rng, n):
    """Return symmetric matrices with eigenvalues far apart, nearly equal, equal, and zero, and those."""
    e = rng.standard_normal((4000, n))
    e[500:1500, 1] = e[500:1500, 0] * (1 + 10.0 ** rng.uniform(-17, -1, 1000))
    e[1500:2000] = e[1500:2000, :1]
    e[2000:2500] = e[2000:2500, :1] + 1e-9 * e[2000:2500]
    e[2500:3000, 1:] = 0.0
    e[3000:3010] = 0.0
    e[3010:3500] *= 10.0 ** rng.uniform(-15, 15, (490, 1))
    q = np.linalg.qr(rng.standard_normal((4000, n, n)))[0]
    q[:100] = np.eye(n)
    return np.einsum("kij,kj,klj->kil", q, e, q)


@pytest.mark.parametrize("n", [2, 3])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_eigenvalues_of_any_symmetric_matrix(rng, cpu_level, n, dtype):
    """The image is the matrices' entries; one tap each picks an entry out of it."""
    found = matrices(rng, n).astype(dtype)
    rows, columns = np.triu_indices(n)
    x = np.ascontiguousarray(found[:, rows, columns].T)
    terms = [{0: np.eye(1, 2 * len(rows) + 1, len(rows) + k).ravel()} for k in range(len(rows))]
    got = run(x, terms, "eigenvalues", "constant", dtype)[0]
    want = np.linalg.eigvalsh(found.astype(np.float64))
    norm = np.linalg.norm(want, axis=-1, keepdims=True)
    assert np.all(np.diff(got, axis=-1) >= 0)
    error = np.abs(got - want) / np.maximum(norm, 1e-18)
    assert error.max() <= 8 * np.finfo(dtype).eps


def test_eigenvalues_of_zero_and_nan(cpu_level):
    terms = [{0: [0.0, 1.0, 0.0]}] * 6
    x = np.zeros((4, 40), np.float32)
    assert not run(x, terms, "eigenvalues", dtype=np.float32).any()
    x[2, 7] = np.nan
    touched = np.isnan(run(x, terms, "eigenvalues", dtype=np.float32)).any(-1)
    assert np.argwhere(touched).tolist() == [[1, 7], [2, 7], [3, 7]]
    assert np.isnan(run(x, terms, "norm", dtype=np.float32))


@pytest.mark.parametrize("bright", [True, False])
def test_vesselness_of_eigenvalues(rng, cpu_level, bright):
    terms = some_terms(rng, 6)
    for x in (rng.standard_normal((6, 7, 33)), np.zeros((3, 4, 5))):
        options = {"alpha": 0.7, "beta": 0.4, "gamma": 0.9, "bright": bright}
        want = reference.separable(x, terms, "vesselness", **options)
        got = run(x, terms, "vesselness", **options)
        assert np.abs(got - want).max() <= 1e-12
        single = run(x.astype(np.float32), terms, "vesselness", dtype=np.float32, **options)
        assert np.mean(np.abs(single - want) > 1e-5) < 0.01  # where two eigenvalues change places
        kept = np.full_like(got, 0.1)
        run(x, terms, "vesselness", out=kept, keep_larger=True, **options)
        np.testing.assert_array_equal(kept, np.maximum(got, 0.1))
    for terms in (some_terms(rng, 3, 2),):
        x = rng.standard_normal((12, 33))
        want = reference.separable(x, terms, "vesselness", **options)
        assert np.abs(run(x, terms, "vesselness", **options) - want).max() <= 1e-12


def test_same_bytes_for_any_thread_count(rng, cpu_level):
    x = rng.random((70, 300, 40), np.float32)
    terms = some_terms(rng, 6)
    for combine in COMBINES:
        results = [run(x, terms, combine, dtype=np.float32, threads=n).tobytes() for n in (1, 2, 5)]
        assert len(set(results)) == 1


def test_empty_and_many_axes(rng):
    assert run(np.zeros((0, 5)), [{0: [1.0]}]).shape == (0, 5, 1)
    x = rng.random((2, 3, 4, 5, 6))
    for axes in [(0, 1, 2), (4, 2, 1), (3,), (0, 4)]:
        terms = [{a: [1.0, 2.0, 4.0] for a in axes}, {axes[0]: [-1.0, 1.0]}]
        assert close(run(x, terms), reference.separable(x, terms), x)


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"terms": []}, "terms"),
        ({"terms": [{0: [1.0]}] * 9}, "terms"),
        ({"terms": [{0: [1.0]}] * 4, "combine": "vesselness"}, "terms"),
        ({"terms": [{3: [1.0]}]}, "axis"),
        ({"terms": [{0: []}]}, "origin"),
        ({"out": np.zeros((4, 5, 6, 2))}, "output"),
        ({"out": np.zeros((4, 5, 7, 1))}, "output"),
        ({"out": np.zeros((4, 5, 6, 1), np.int16)}, "output"),
    ],
)
def test_arguments_the_kernel_refuses(change, word):
    with pytest.raises(ValueError, match=word):
        run(np.zeros((4, 5, 6)), **{"terms": [{0: [1.0]}], **change})
