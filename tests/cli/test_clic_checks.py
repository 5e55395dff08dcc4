"""``calosim evaluate --checks`` of 3DGAN on a pair of files, end to end."""

import json

import h5py
import numpy as np
import pytest

from calosim_tf.data.bundled import bundled_sample

CHECKS = "projections,ssim,resolution,spectrum"


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Two parts of the bundled sample; the cells of the first one are 10 % hotter."""
    folder = tmp_path_factory.mktemp("clic")
    paths = []
    for name, rows, scale in (("generated", slice(0, 300), 1.1), ("reference", slice(300, 600), 1.0)):
        paths.append(folder / f"{name}.hdf5")
        with h5py.File(bundled_sample("clic")) as sample, h5py.File(paths[-1], "w") as part:
            part.attrs["source"] = f"{name} part"
            part["ECAL"] = sample["ECAL"][rows] * np.float32(scale)
            part["target"] = sample["target"][rows]
    return paths


def evaluate(calosim, files, out, checks, detector="clic", **environment):
    arguments = ["--reference", files[1], "--out", out, "--detector", detector, "--checks", checks]
    return calosim("evaluate", files[0], *arguments, "--metrics", "mu90_response_ratio,projection_mse", **environment)


def test_all_checks_of_a_pair_of_files(calosim, files, tmp_path, without_tensorflow):
    """Breaks when files need a run or TensorFlow, samples are exchanged, numbers or plots are missing."""
    out = tmp_path / "report"
    process = evaluate(calosim, files, out, CHECKS, **without_tensorflow)
    assert process.returncode == 0, process.stderr
    metrics = json.loads((out / "metrics.json").read_text())["metrics"]
    assert metrics["mu90_response_ratio"]["value"] == pytest.approx(1.1, rel=0.02)
    document = json.loads((out / "checks" / "checks.json").read_text())
    found = document["projections"]
    made, halves = found["generated"], found["reference_vs_reference"]
    assert (made["n"], halves["n"]) == ([300, 300], [150, 150])
    assert made["mse"]["bin_mean"] == pytest.approx(metrics["projection_mse"]["value"], rel=1e-4)
    for part in ("mse", "selection"):
        assert set(made[part]) == set(halves[part])
    assert made["selection"]["as_coded"] == pytest.approx(2 * made["selection"]["position"])
    points = [point for point in document["resolution"]["points"] if point["reference"] and point["generated"]]
    ratios = [point["generated"]["mean"] / point["reference"]["mean"] for point in points]
    assert len(points) >= 8
    assert np.mean(ratios) == pytest.approx(1.1, rel=0.03)
    for window in document["spectrum"]["windows"].values():
        energy = window["visible energy / GeV"]
        assert energy["generated"]["mean"] > energy["reference"]["mean"]
    assert "not all of the published 50, 200, 500 GeV" in document["ssim"]["note"]
    for window in document["ssim"]["windows"].values():
        assert window["mc_mc"] == sorted(window["mc_mc"], reverse=True)
        assert window["gan_gan"][3] == pytest.approx(window["mc_mc"][3], abs=0.1)
    names = {path.stem for path in (out / "checks" / "plots").iterdir()}
    assert names == {"projections", "showers_in_space", "ssim", "resolution", "cell_spectrum", "windows"}
    for words in ("half vs half", "L = 0.0001 GeV: MC-MC", "cells per shower", "mu90 and sigma90/mu90"):
        assert words in process.stdout


def test_showers_of_another_detector_are_refused(calosim, files, tmp_path, without_tensorflow):
    """Breaks when cells that do not form cubes end in a traceback."""
    process = evaluate(calosim, files, tmp_path / "report", "ssim", "calogan", **without_tensorflow)
    assert process.returncode == 2
    assert process.stderr.count("\n") == 1
    assert "--checks ssim: needs showers of clic or clic_angle, found detector 'calogan'" in process.stderr
