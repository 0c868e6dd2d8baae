# SPDX-License-Identifier: Apache-2.0
"""rescale: stored pixels to values, as ``load`` runs it on an uncompressed file in the page cache."""

import nibabel
import numpy as np
import pytest

import voxkern as vk
from benchmarks.phantoms import noise

JOBS = {  # byte order, slope, intercept
    "int16 to float32, intercept": ("<", 1.0, -1024.0),
    "int16 to float32, slope": ("<", 0.37, 1.5),
    "big-endian int16": (">", 1.0, 0.0),
}


@pytest.mark.parametrize("job", JOBS)
@pytest.mark.benchmark(group="rescale")
def test_rescale(benchmark, threads, tmp_path, job):
    order, slope, intercept = JOBS[job]
    stored = noise((32, 512, 512), "int16")
    header = nibabel.Nifti1Header(endianness=order)
    header.set_data_dtype(np.int16)
    header.set_data_shape(stored.shape)
    image = nibabel.Nifti1Image(stored, np.eye(4), header)
    image.header.set_slope_inter(slope, intercept)
    path = tmp_path / "x.nii"
    nibabel.save(image, path)
    want = np.asanyarray(nibabel.load(path).dataobj)
    np.testing.assert_allclose(vk.load(path).data, want, rtol=1e-6)
    benchmark.extra_info["voxels"] = stored.size
    before = vk.get_num_threads()
    vk.set_num_threads(threads)
    benchmark(lambda: vk.load(path))
    vk.set_num_threads(before)
