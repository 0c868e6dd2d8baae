# SPDX-License-Identifier: Apache-2.0
"""Loading and saving against SimpleITK, pydicom and nibabel: ratios of one interleaved run.

    python benchmarks/compare_load.py [--series FOLDER_OR_ZIP] [--repeat 5] [--json FILE]

A made CT series (300 slices of 512 x 512), if given a real one, and NIfTI files of a real head. Every answer
is checked against the peer's before anything is timed.
"""

from __future__ import annotations

import argparse
import gc
import json
import statistics
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path

import nibabel as nib
import numpy as np
import pydicom
import SimpleITK as sitk
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

import voxkern as vk


def make_ct(folder, slices=300, size=512, syntax=ExplicitVRLittleEndian):
    """Write a CT series with the elements a scanner writes, noise and all."""
    rng = np.random.default_rng(3)
    y, x = np.mgrid[-1 : 1 : size * 1j, -1 : 1 : size * 1j]
    body = np.where(x**2 + y**2 < 0.7, 40, -1000)
    series, study, frame = generate_uid(), generate_uid(), generate_uid()
    for k in range(slices):
        meta = FileMetaDataset()
        meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = CTImageStorage, generate_uid()
        meta.TransferSyntaxUID = ExplicitVRLittleEndian
        ds = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
        ds.SOPClassUID, ds.SOPInstanceUID = CTImageStorage, meta.MediaStorageSOPInstanceUID
        ds.SeriesInstanceUID, ds.StudyInstanceUID, ds.FrameOfReferenceUID = series, study, frame
        ds.Modality, ds.Manufacturer, ds.PatientName, ds.PatientID = "CT", "benchmark", "Made^Up", "0"
        ds.StudyDate, ds.StudyTime, ds.AcquisitionDate = "20260101", "120000", "20260101"
        ds.SeriesNumber, ds.InstanceNumber, ds.SliceThickness, ds.KVP = 1, k + 1, 1.0, 120
        ds.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
        ds.ImagePositionPatient, ds.ImageOrientationPatient = [-179.5, -179.5, float(k)], [1, 0, 0, 0, 1, 0]
        ds.PixelSpacing, ds.Rows, ds.Columns = [0.7, 0.7], size, size
        ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
        ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 16, 16, 15, 1
        ds.RescaleIntercept, ds.RescaleSlope, ds.RescaleType = -1024, 1, "HU"
        pixels = (body + 1024 + rng.normal(0, 20, body.shape)).astype("<i2")
        if syntax == ExplicitVRLittleEndian:
            ds.PixelData = pixels.tobytes()
        else:
            ds.compress(syntax, pixels, encoding_plugin="pylibjpeg")
        ds.save_as(folder / f"{k:04d}.dcm", enforce_file_format=True)
    return folder


def with_simpleitk(folder):
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(folder)))
    return reader.Execute()


def with_pydicom(folder):
    """Load as tutorials do."""
    slices = [pydicom.dcmread(path) for path in folder.iterdir()]
    normal = np.cross(*np.array(slices[0].ImageOrientationPatient, float).reshape(2, 3))
    slices.sort(key=lambda s: float(normal @ np.array(s.ImagePositionPatient, float)))
    volume = np.stack([s.pixel_array for s in slices])
    slope, intercept = float(slices[0].RescaleSlope), float(slices[0].RescaleIntercept)
    if slope != 1.0:
        return volume.astype(np.float32) * np.float32(slope) + np.float32(intercept)
    return volume + np.int16(intercept) if intercept else volume


def interleaved(jobs, repeat):
    """Return the median milliseconds of every job; the jobs take turns."""
    times = {name: [] for name in jobs}
    for _ in range(repeat):
        for name, job in jobs.items():
            gc.collect()
            start = time.perf_counter()
            job()
            times[name].append((time.perf_counter() - start) * 1e3)
    return {name: statistics.median(values) for name, values in times.items()}


def extra_memory(source):
    """Return peak memory in MB above the volume itself, in a process of its own."""
    code = (
        "import sys, voxkern as vk, numpy as np, pydicom, voxkern.io.dicom\n"
        "read = lambda k: int(next(l for l in open('/proc/self/status') if l.startswith(k)).split()[1])\n"
        "open('/proc/self/clear_refs', 'w').write('5')\n"
        "before = read('VmRSS'); v = vk.load(sys.argv[1]); np.asarray(v.data).max()\n"
        "print((read('VmHWM') - before) / 1024 - v.data.nbytes / 2**20)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(source)], capture_output=True, text=True, check=True
    )
    return float(done.stdout)


def series_rows(name, folder, repeat):
    ours = vk.load(folder)
    peer = sitk.GetArrayFromImage(with_simpleitk(folder))
    if peer.shape == ours.shape and not np.allclose(peer, ours.data, atol=1e-2 * np.abs(peer).max() * 1e-3):
        peer = peer[::-1]  # SimpleITK counts the slices from the other end
    scale = float(np.abs(peer).max())
    error = float(np.abs(peer.astype(np.float64) - ours.data).max()) / scale
    assert error < 1e-5, error
    np.testing.assert_allclose(with_pydicom(folder), ours.data, atol=1e-5 * scale)
    times = interleaved(
        {
            "voxkern": lambda: vk.load(folder),
            "SimpleITK ImageSeriesReader": lambda: with_simpleitk(folder),
            "pydicom and np.stack": lambda: with_pydicom(folder),
        },
        repeat,
    )
    extra = extra_memory(folder)
    return [row(f"load {name}", peer, times, error, extra) for peer in list(times)[1:]]


def row(case, peer, times, error, extra=None):
    return {
        "case": case, "peer": peer, "voxkern_ms": times["voxkern"], "peer_ms": times[peer],
        "ratio": times[peer] / times["voxkern"], "error": error, "extra_MB": extra,
    }  # fmt: skip


def nifti_rows(folder, name, data, affine, repeat):
    volume = vk.Volume(np.asfortranarray(data), affine)
    image = nib.Nifti1Image(volume.data, affine)
    path, scaled, other = folder / "x.nii.gz", folder / "s.nii.gz", folder / "y.nii.gz"
    nib.save(image, path)  # as files are found: written by zlib
    np.testing.assert_array_equal(np.asanyarray(nib.load(path).dataobj), data)
    np.testing.assert_array_equal(vk.load(path).data, data)
    float_image = nib.Nifti1Image(data * np.float32(133.7), affine)
    float_image.set_data_dtype(np.int16)  # scl_slope, as dcm2niix writes for Philips
    nib.save(float_image, scaled)
    np.testing.assert_allclose(vk.load(scaled).data, np.asanyarray(nib.load(scaled).dataobj), rtol=1e-6)
    rows = []
    for case, file in ((f"load {name}.nii.gz", path), (f"load {name}.nii.gz with a slope", scaled)):
        jobs = {
            "voxkern": lambda file=file: vk.load(file),
            "nibabel": lambda file=file: np.asanyarray(nib.load(file).dataobj),
            "SimpleITK": lambda file=file: sitk.ReadImage(str(file)),
        }
        times = interleaved(jobs, repeat)
        rows += [row(case, peer, times, 0.0, extra_memory(file)) for peer in ("nibabel", "SimpleITK")]
    vk.save(volume, other)
    np.testing.assert_array_equal(np.asanyarray(nib.load(other).dataobj), data)
    jobs = {"voxkern": lambda: vk.save(volume, other), "nibabel": lambda: nib.save(image, other)}
    return [*rows, row(f"save {name}.nii.gz", "nibabel", interleaved(jobs, repeat), 0.0)]


def head():
    """Return the int16 head nilearn carries, 8 million voxels."""
    import nilearn

    found = next(Path(nilearn.__file__).parent.rglob("mni_icbm152_t1_tal_nlin_sym_09a_converted.nii.gz"))
    image = nib.load(found)
    noisy = np.asanyarray(image.dataobj).astype(np.int16) * 4
    noisy += (np.random.default_rng(0).random(noisy.shape) * 3).astype(np.int16)  # a scanner's last bits
    return noisy, image.affine


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--series", type=Path, help="a real series, one slope for all slices")
    parser.add_argument("--slices", type=int, default=300)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "ct").mkdir()
        rows += series_rows(
            f"made CT, {options.slices} slices", make_ct(folder / "ct", options.slices), options.repeat
        )
        if options.series:
            real = options.series
            if real.suffix == ".zip":
                (folder / "real").mkdir()
                with zipfile.ZipFile(real) as archive:
                    archive.extractall(folder / "real")
                real = folder / "real"
            rows += series_rows(f"real series, {len(list(real.iterdir()))} slices", real, options.repeat)
            scan = vk.load(real)
            stored = np.rint(scan.data * (4095 / float(scan.data.max()))).astype(np.int16)
            rows += nifti_rows(folder, "real series", stored, scan.affine, options.repeat)
        rows += nifti_rows(folder, "template head", *head(), options.repeat)
    print("| case | peer | voxkern ms | peer ms | ratio | error | extra MB |\n" + "| --- " * 7 + "|")
    for r in rows:
        extra = "" if r["extra_MB"] is None else f"{r['extra_MB']:.1f}"
        print(
            f"| {r['case']} | {r['peer']} | {r['voxkern_ms']:.0f} | {r['peer_ms']:.0f} | {r['ratio']:.1f} "
            f"| {r['error']:.1e} | {extra} |"
        )
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
