# SPDX-License-Identifier: Apache-2.0
"""A shaded object for the tests of n4, and how its fields are compared."""

import numpy as np

import voxkern as vk


def phantom(shape, seed=0, amplitude=0.35, noise=0.02, lowest=1.0):
    """Return shells of five tissues under a smooth field with noise, and the mask of the object."""
    rng = np.random.default_rng(seed)
    axes = np.meshgrid(*[np.linspace(-1, 1, n) for n in shape], indexing="ij")
    radius = np.sqrt(sum((x / s) ** 2 for x, s in zip(axes, (0.85, 0.9, 0.8), strict=False)))
    image = np.full(shape, 12.0)
    for outer, value in ((1.0, 60), (0.8, 105), (0.5, 150)):
        image[radius < outer] = value
    image[np.abs(radius - 0.65) < 0.05] = 85
    slow, fast, other = axes[0], axes[-1], axes[-2]
    log = amplitude * (0.8 * slow + 0.5 * fast**2 - 0.6 * other * slow + 0.3 * np.sin(2 * other))
    image = image * np.exp(log) * (1 + noise * rng.standard_normal(shape))
    image = np.maximum(image + 40 * noise * rng.standard_normal(shape), lowest)
    return image.astype(np.float32), (radius < 1).astype(np.uint8)


def log_field(x, mask=None, **kwargs):
    field, details = vk.n4_bias_field_correction(x, mask, return_field=True, return_details=True, **kwargs)[
        1:
    ]
    return np.log(np.asarray(field, np.float64)), details


def difference(got, want):
    return np.abs(got - want).max() / np.abs(want).max()
