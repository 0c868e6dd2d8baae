# SPDX-License-Identifier: Apache-2.0
"""How well N4 removes a known field: the table and the picture of the kernel's README.

A piecewise constant brain made from the tissue maps that nilearn carries, Rician noise, and a smooth
field of 0, 20, 40 and 80 %; both programs get it shrunk by 4.

    python -m benchmarks.peers.n4_accuracy [--picture FILE]
"""

import argparse
import math

import numpy as np
import SimpleITK as sitk

import voxkern as vk
from benchmarks.phantoms import rician, smooth_field, tissue_brain


def cjv(image, tissue, mask):
    """Return the coefficient of joint variation of grey and white matter."""
    gm, wm = image[mask & (tissue == "gm")], image[mask & (tissue == "wm")]
    return float((gm.std() + wm.std()) / abs(gm.mean() - wm.mean()))


def scores(corrected, field, known, tissue, mask):
    found, put = field[mask].astype(np.float64), known[mask].astype(np.float64)
    scale = (found @ put) / (put @ put)
    nrmse = np.linalg.norm(found - scale * put) / np.linalg.norm(scale * put)
    correlation = np.corrcoef(np.log(found), np.log(put))[0, 1] if put.std() > 0 else np.nan
    return cjv(corrected, tissue, mask), correlation, nrmse


def shrunk(array):
    """Return what shrink_factor=4 samples: every fourth voxel, centred, halves up."""
    first = [math.floor(((n - 1) - (n // 4 - 1) * 4) / 2 + 0.5) for n in array.shape]
    return np.ascontiguousarray(
        array[tuple(slice(f, f + n // 4 * 4 - 3, 4) for f, n in zip(first, array.shape, strict=True))]
    )


def by_simpleitk(image, mask):
    n4 = sitk.N4BiasFieldCorrectionImageFilter()
    full = sitk.GetImageFromArray(image)
    n4.Execute(*(sitk.GetImageFromArray(shrunk(a)) for a in (image, mask.astype(np.uint8))))
    field = np.exp(sitk.GetArrayFromImage(n4.GetLogBiasFieldAsImage(full)))
    return image / field, field, n4.GetElapsedIterations() - 1


def by_voxkern(image, mask, **settings):
    corrected, field, details = vk.n4_bias_field_correction(
        image, mask, shrink_factor=4, return_field=True, return_details=True, **settings
    )
    return corrected, field, details.iterations


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--picture", help="write a PNG of before, field and after at 40 %%")
    arguments = parser.parse_args()
    image, mask, tissue = tissue_brain()
    rng = np.random.default_rng(20261123)
    print("| INU | CJV without, with field | program | CJV | correlation | NRMSE | iterations |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for percent in (0, 20, 40, 80):
        known = smooth_field(mask, percent)
        clean = rician(image, 0.03, rng)
        biased = clean * known
        rows = {
            "SimpleITK": by_simpleitk(biased, mask),
            "voxkern": by_voxkern(biased, mask),
            "voxkern, exact": by_voxkern(biased, mask, compat="exact"),
            "voxkern, full resolution": vk.n4_bias_field_correction(
                biased, mask, return_field=True, return_details=True
            ),
        }
        for name, (corrected, field, how) in rows.items():
            iterations = getattr(how, "iterations", how)
            iterations = f"last level {iterations}" if isinstance(iterations, int) else str(iterations)
            joint, correlation, nrmse = scores(corrected, field, known, tissue, mask)
            print(
                f"| {percent} % | {cjv(clean, tissue, mask):.3f}, {cjv(biased, tissue, mask):.3f} | {name} "
                f"| {joint:.3f} | {correlation:.4f} | {nrmse:.4f} | {iterations} |",
                flush=True,
            )
        if percent == 40 and arguments.picture:
            affine = np.eye(4)[[2, 1, 0, 3]]
            corrected, field, _ = rows["voxkern"]
            stages = [
                ("biased by 40 %", biased, None),
                ("known field", known / np.mean(known[mask]), (0.8, 1.2)),
            ]
            stages += [
                ("field found", field / np.mean(field[mask]), (0.8, 1.2)),
                ("corrected", corrected, None),
            ]
            from voxkern._app.report import draw_planes

            figure = draw_planes([(name, vk.Volume(data, affine), window) for name, data, window in stages])
            figure.savefig(arguments.picture, dpi=60, facecolor="black")


if __name__ == "__main__":
    main()
