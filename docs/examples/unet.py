# SPDX-License-Identifier: Apache-2.0
"""A small U-Net: weights that torch saved, run without torch.

    pip install 'voxkern[nn]' torch
    python unet.py

``LAYERS`` is all that has to be written: the layers, with the names of the weights in torch's ``state_dict``.
``torch_unet`` is the same network in torch, for comparison.
"""

import tempfile
from pathlib import Path

import numpy as np

import voxkern as vk

CHANNELS = (8, 16, 32)
CLASSES = 3


def block(name, **first):
    """Return a convolution, an instance norm and a leaky ReLU, twice."""
    layers = []
    for k in (0, 3):
        layers += [
            {
                "type": "conv3d",
                "weight": f"{name}.{k}.weight",
                "bias": f"{name}.{k}.bias",
                "padding": 1,
                **first,
            },
            {"type": "instance_norm", "weight": f"{name}.{k + 1}.weight", "bias": f"{name}.{k + 1}.bias"},
            {"type": "leaky_relu"},
        ]
        first = {}
    layers[-1]["name"] = name
    return layers


def up(name, skip):
    """Return a transposed convolution, and the skip connection in front of it."""
    return [
        {
            "type": "conv_transpose3d",
            "weight": f"{name}.weight",
            "bias": f"{name}.bias",
            "stride": 2,
            "name": name,
        },
        {"type": "concat", "input": skip, "with": name},
    ]


LAYERS = [
    *block("down0"),
    *block("down1", stride=2),
    *block("down2", stride=2),
    *up("up1", "down1"),
    *block("join1"),
    *up("up0", "down0"),
    *block("join0"),
    {"type": "conv3d", "weight": "head.weight", "bias": "head.bias"},
]


def torch_unet():
    """Return the same network in torch, with weights of its own making."""
    import torch
    from torch import nn

    def block(before, after, stride=1):
        layers = []
        for k in range(2):
            layers += [
                nn.Conv3d(after if k else before, after, 3, padding=1, stride=1 if k else stride),
                nn.InstanceNorm3d(after, affine=True),
                nn.LeakyReLU(),
            ]
        return nn.Sequential(*layers)

    class UNet(nn.Module):
        def __init__(self):
            super().__init__()
            a, b, c = CHANNELS
            self.down0, self.down1, self.down2 = block(1, a), block(a, b, 2), block(b, c, 2)
            self.up1, self.join1 = nn.ConvTranspose3d(c, b, 2, 2), block(2 * b, b)
            self.up0, self.join0 = nn.ConvTranspose3d(b, a, 2, 2), block(2 * a, a)
            self.head = nn.Conv3d(a, CLASSES, 1)

        def forward(self, x):
            down0 = self.down0(x)
            down1 = self.down1(down0)
            join1 = self.join1(torch.cat([down1, self.up1(self.down2(down1))], 1))
            return self.head(self.join0(torch.cat([down0, self.up0(join1)], 1)))

    torch.manual_seed(1)
    return UNet().eval()


def main():
    """Save weights with torch, run both, compare."""
    import torch
    from safetensors.torch import save_file

    theirs = torch_unet()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "unet.safetensors"
        save_file(theirs.state_dict(), path)
        ours = vk.nn.Sequential(LAYERS, path)
    x = np.random.default_rng(1).normal(size=(1, 1, 32, 40, 48)).astype(np.float32)
    with torch.inference_mode():
        want = theirs(torch.from_numpy(x)).numpy()
    difference = float(np.abs(ours(x) - want).max() / np.abs(want).max())
    print(f"scores {want.shape}: at most {difference:.1e} of the largest apart")
    scores = vk.nn.sliding_window(ours, x[0], window=(32, 32, 32))
    print(f"by sliding window: {scores.shape}, labels {np.unique(scores.argmax(axis=0))}")
    return difference


if __name__ == "__main__":
    main()
