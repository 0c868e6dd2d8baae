# SPDX-License-Identifier: Apache-2.0
"""labels: label maps by rule, class scores."""

import numpy as np
import pytest
from compare_resample import organs

import voxkern as vk
from voxkern.reference.resample_labels import resample_labels as reference_labels


@pytest.mark.parametrize("rule", ["argmax", "half", "nearest", "gaussian"])
@pytest.mark.benchmark(group="labels")
def test_labels(benchmark, shape, threads, rule):
    part = organs((12, 13, 14))
    at = [(np.arange(round(1.3 * n)) + 0.5) * (n / round(1.3 * n)) - 0.5 for n in part.shape]
    got = vk.resample_labels(part, shape=tuple(len(c) for c in at), rule=rule)
    # The reference adds up in another order: where two labels share a Gaussian's top it may name the other.
    assert np.mean(got != reference_labels(part, at, rule)) <= (0.01 if rule == "gaussian" else 0.0)
    x = organs(shape)
    target = tuple(round(1.25 * n) for n in shape)
    benchmark(lambda: vk.resample_labels(x, shape=target, rule=rule, threads=threads))


@pytest.mark.parametrize("dtype", ["float16", "float32"])
@pytest.mark.benchmark(group="labels: argmax of scores")
def test_argmax(benchmark, threads, dtype):
    scores = np.random.default_rng(0).normal(size=(25, 64, 64, 64)).astype(dtype)
    part = scores[:, :9, :9, :9]
    full = np.stack([vk.resample(s.astype(np.float64), shape=18, order=1) for s in part])
    assert np.mean(vk.resample_argmax(part, shape=18) != full.argmax(axis=0)) < 1e-3
    benchmark(lambda: vk.resample_argmax(scores, shape=128, threads=threads))
