# SPDX-License-Identifier: Apache-2.0
"""n4: whole calls on heads and cubes, and the division alone."""

import numpy as np
import pytest

import voxkern as vk
from benchmarks.phantoms import biased_head, cube
from voxkern.reference.n4 import n4 as reference_n4


def check(compat):
    """Hold a small fit against the reference."""
    x = cube(32)
    options = {"iterations": (4, 3), "itk": compat == "itk"}
    want = reference_n4(x, **options)[0]
    got = vk.n4_bias_field_correction(
        x, maximum_number_of_iterations=(4, 3), compat=compat, return_field=True
    )[1]
    assert np.abs(np.log(got) - want).max() <= 1e-4 * np.abs(want).max()


@pytest.mark.parametrize("compat", ["itk", "exact"])
@pytest.mark.parametrize("dtype", ["float32", "int16"])
@pytest.mark.benchmark(group="n4: 4 levels of 10 iterations")
def test_head(benchmark, threads, compat, dtype):
    check(compat)
    x, mask = biased_head()
    x = np.rint(x * 10).astype(dtype)
    benchmark.extra_info["voxels"] = int(mask.sum())
    benchmark(
        lambda: vk.n4_bias_field_correction(
            x,
            mask,
            maximum_number_of_iterations=(10,) * 4,
            convergence_threshold=0,
            compat=compat,
            threads=threads,
        )
    )


@pytest.mark.parametrize("n", [64, 128, 256, 384])
@pytest.mark.benchmark(group="n4: 10 iterations without a mask")
def test_cube(benchmark, threads, n):
    check("itk")
    x = cube(n)
    benchmark.extra_info["voxels"] = x.size
    benchmark(
        lambda: vk.n4_bias_field_correction(
            x, maximum_number_of_iterations=10, convergence_threshold=0, threads=threads
        )
    )


@pytest.mark.benchmark(group="n4: one iteration and the field of the full grid, shrunk by 4")
def test_division(benchmark, threads):
    check("itk")
    x, mask = biased_head()
    benchmark(
        lambda: vk.n4_bias_field_correction(
            x, mask, shrink_factor=4, maximum_number_of_iterations=1, return_field=True, threads=threads
        )
    )
