# SPDX-License-Identifier: Apache-2.0
"""A network that labels the middle of a 33 x 33 patch, run on whole slices at once.

    python patch_network.py

The network of brain_pipeline.py (brain_segmentation on GitHub) reads patches of four MR channels. It has
convolutions of 7, 5, 5 and 3 with ReLU and batch norm, max pools of 2 that move by one, and a dense layer.
Patch by patch, the same sums are computed hundreds of times. On the whole slice each is computed once.

No layer moves by more than one sample, and the dense layer is a convolution as large as its input in a patch.
So the same weights give every label at once: 208 x 208 of them for a slice of 240 x 240, one per patch.

The weights here are made up. The original divides each patch by its own maximum, which a slice cannot do:
train with slices that are normalised as a whole (``vk.zscore``).
"""

import numpy as np

import voxkern as vk

PATCH, CHANNELS, LABELS = 33, 4, 5
FILTERS, KERNELS = (64, 128, 128, 128), (7, 5, 5, 3)
LEFT = 14  # samples that the convolutions and pools leave of a patch


def made_weights(rng, filters=FILTERS):
    """Return weights with the names and shapes that the layers below ask for."""
    weights, before = {}, CHANNELS
    for k, (after, kernel) in enumerate(zip(filters, KERNELS, strict=True)):
        spread = np.sqrt(2 / (before * kernel**2))
        weights[f"conv{k}.weight"] = rng.normal(0, spread, (after, before, kernel, kernel))
        weights[f"conv{k}.bias"] = rng.normal(0, 0.1, after)
        if k < 3:
            weights[f"norm{k}.mean"] = rng.normal(0, 0.1, after)
            weights[f"norm{k}.var"] = rng.uniform(0.5, 1.5, after)
        before = after
    weights["dense.weight"] = rng.normal(0, 1 / np.sqrt(before * LEFT**2), (LABELS, before * LEFT**2))
    weights["dense.bias"] = rng.normal(0, 0.1, LABELS)
    return weights


def features():
    """Return the layers before the dense one."""
    layers = []
    for k in range(len(KERNELS)):
        layers.append(
            {"type": "conv2d", "weight": f"conv{k}.weight", "bias": f"conv{k}.bias", "activation": "relu"}
        )
        if k < 3:
            layers.append(
                {"type": "batch_norm", "running_mean": f"norm{k}.mean", "running_var": f"norm{k}.var"}
            )
            layers.append({"type": "max_pool2d", "kernel_size": 2, "stride": 1})
    return layers


def for_patches(weights):
    """Return the network as it was trained: a patch in, five probabilities out."""
    dense = {"type": "linear", "weight": "dense.weight", "bias": "dense.bias"}
    return vk.nn.Sequential([*features(), {"type": "flatten"}, dense, {"type": "softmax"}], weights)


def for_slices(weights):
    """Return the same network for slices of any size: the dense layer is a convolution."""
    filters = weights["dense.weight"].shape[1] // LEFT**2
    dense = {
        "type": "conv2d",
        "weight": weights["dense.weight"].reshape(LABELS, filters, LEFT, LEFT),
        "bias": "dense.bias",
    }
    return vk.nn.Sequential([*features(), dense, {"type": "softmax"}], weights)


def main():
    """Label a made slice both ways, and compare."""
    rng = np.random.default_rng(1)
    weights = made_weights(rng)
    image = rng.normal(size=(CHANNELS, 64, 64)).astype(np.float32)
    maps = for_slices(weights)(image)
    print(f"slice of {image.shape[1:]}: probabilities {maps.shape}")
    single = for_patches(weights)
    worst = 0.0
    for row, column in [(0, 0), (10, 21), (31, 31)]:
        patch = image[:, row : row + PATCH, column : column + PATCH]
        worst = max(worst, float(np.abs(single(patch) - maps[:, row, column]).max()))
    print(f"patches cut out differ by at most {worst:.1e}")
    # In tiles for slices, or mosaics, that are larger than memory.
    tiled = vk.nn.run_in_tiles(for_slices(weights), image, tile=16)
    print(f"tiles differ by at most {float(np.abs(tiled - maps).max()):.1e}")
    return worst


if __name__ == "__main__":
    main()
