# SPDX-License-Identifier: Apache-2.0
"""The examples of the documentation run, and their numbers hold."""

import runpy
from pathlib import Path

import numpy as np
import pytest

import voxkern as vk

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"
pytestmark = pytest.mark.skipif(not EXAMPLES.is_dir(), reason="needs the source tree")


def test_patches_and_slices_are_one_network(rng):
    example = runpy.run_path(str(EXAMPLES / "patch_network.py"))
    weights = example["made_weights"](rng, filters=(3, 4, 4, 5))
    image = rng.normal(size=(4, 40, 36)).astype(np.float32)
    network = example["for_slices"](weights)
    maps = network(image)
    assert maps.shape == network.output_shape(image.shape) == (5, 8, 4)
    single = example["for_patches"](weights)
    patches = np.lib.stride_tricks.sliding_window_view(image, (33, 33), axis=(1, 2))
    got = single(np.ascontiguousarray(patches.transpose(1, 2, 0, 3, 4).reshape(-1, 4, 33, 33)))
    np.testing.assert_allclose(got.reshape(8, 4, 5).transpose(2, 0, 1), maps, atol=1e-5)
    np.testing.assert_allclose(vk.nn.run_in_tiles(network, image, 3), maps, atol=1e-5)
    np.testing.assert_array_equal([int(r.high) for r in network.reach()], [32, 32])


@pytest.mark.slow
def test_the_patch_network_as_it_is(capsys):
    assert runpy.run_path(str(EXAMPLES / "patch_network.py"))["main"]() < 1e-5
    assert "(5, 32, 32)" in capsys.readouterr().out
