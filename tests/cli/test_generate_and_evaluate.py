"""``calosim generate`` and ``calosim evaluate`` on a run, end to end."""

import json
import shutil

import h5py
import numpy as np
import pytest

from calosim_tf.data.bundled import bundled_sample


def read(path):
    with h5py.File(path) as stream:
        return stream["incident_energies"][:], stream["showers"][:], dict(stream.attrs)


@pytest.fixture(scope="module")
def generated(calosim, finished_run, tmp_path_factory):
    path = tmp_path_factory.mktemp("generated") / "showers.hdf5"
    process = calosim("generate", finished_run[0], "--energies", 256, 65536, "--events", 300, "--out", path)
    assert process.returncode == 0, process.stderr
    return path, process


def test_generated_files_have_the_public_layout(generated):
    """Breaks when shapes, types or names differ from what the challenge's own evaluation reads."""
    energies, showers, attributes = read(generated[0])
    assert energies.shape == (600, 1)
    assert showers.shape == (600, 368)
    assert showers.dtype == np.float32
    assert np.unique(energies).tolist() == [256.0, 65536.0]
    assert attributes["experiment"] == "photon"
    assert attributes["source"].startswith("photon, iteration ")


def test_clipping_is_switchable_and_its_cost_is_said(calosim, generated, finished_run, tmp_path):
    """Breaks when negative voxels pass silently, or the stated share is not the energy that clipping adds."""
    path, process = generated
    assert read(path)[1].min() == 0.0
    raw = tmp_path / "raw.hdf5"
    other = calosim(
        "generate", finished_run[0], "--energies", 256, 65536, "--events", 300, "--no-clip", "--batch", 77, "--out", raw
    )
    assert other.returncode == 0, other.stderr
    showers = read(raw)[1].astype("f8")
    assert showers.min() < 0.0
    added = -100 * showers[showers < 0].sum() / showers.sum()
    said = float(process.stderr.split("which adds ")[1].split(" %")[0])
    assert said == pytest.approx(added, rel=1e-3, abs=2e-3)
    # the other batch size changes nothing but rounding in the matrix products
    np.testing.assert_allclose(read(path)[1], np.maximum(showers, 0), rtol=1e-4, atol=1e-2)


def test_like_a_file_means_its_energies_in_its_order(calosim, generated, finished_run, tmp_path):
    out = tmp_path / "like.hdf5"
    process = calosim("generate", finished_run[0], "--like", generated[0], "--out", out, "--compression", "none")
    assert process.returncode == 0, process.stderr
    np.testing.assert_array_equal(read(out)[0], read(generated[0])[0])


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    """300 real showers each of the lowest and the highest energy of the bundled sample."""
    path = tmp_path_factory.mktemp("reference") / "reference.hdf5"
    with h5py.File(bundled_sample("photon")) as stream:
        energies, showers = stream["incident_energies"][:], stream["showers"][:]
    rows = np.concatenate([np.flatnonzero(energies[:, 0] == energy)[:300] for energy in (256.0, 65536.0)])
    with h5py.File(path, "w") as stream:
        stream["incident_energies"], stream["showers"] = energies[rows], showers[rows]
    return path


def test_evaluate_accepts_a_file_and_a_run(calosim, generated, reference, finished_run, tmp_path):
    """Breaks when a file is not compared with itself as equal, or a poor generator's file or run is refused."""
    for index, subject in enumerate((reference, generated[0], finished_run[0])):
        out = tmp_path / str(index)
        process = calosim("evaluate", subject, "--reference", reference, "--out", out, "--json")
        assert process.returncode == 0, process.stderr
        printed = json.loads(process.stdout)
        assert printed == json.loads((out / "metrics.json").read_text())
        value = printed["metrics"]["chi2_ndf_total_energy"]["value"]
        assert value == pytest.approx(0.0, abs=1e-9) if index == 0 else value > 0.0


@pytest.fixture(scope="module")
def onnx_bundle(bundle, tmp_path_factory):
    """The bundle of the tiny run, its ONNX file alone."""
    folder = shutil.copytree(bundle, tmp_path_factory.mktemp("bundles") / "onnx")
    sidecar = json.loads((folder / "sidecar.json").read_text())
    files = sidecar["networks"][0]["files"]
    sidecar["networks"][0]["files"] = {"onnx": files["onnx"]}
    (folder / "sidecar.json").write_text(json.dumps(sidecar))
    return folder


def test_a_bundle_is_evaluated_like_its_run(
    calosim, bundle, onnx_bundle, finished_run, reference, tmp_path, without_tensorflow
):
    """Breaks when a bundle is refused, needs TensorFlow although its files do not, or is judged on other showers."""
    options = ("--reference", reference, "--metrics", "response_mean_ratio", "--json", "--out")
    found = []
    for subject, environment in ((finished_run[0], {}), (bundle, {}), (onnx_bundle, without_tensorflow)):
        process = calosim("evaluate", subject, *options, tmp_path / str(len(found)), **environment)
        assert process.returncode == 0, process.stderr
        document = json.loads(process.stdout)
        found.append(document["metrics"]["response_mean_ratio"]["value"])
        assert document["generated"]["source"].startswith("photon, iteration ")
    assert found == pytest.approx([found[0]] * 3, rel=1e-4)
    process = calosim(
        "evaluate", onnx_bundle, *options, tmp_path / "checks", "--checks", "attributes", **without_tensorflow
    )
    assert process.returncode == 2
    assert "found a file or a bundle" in process.stderr
    assert process.stderr.count("\n") == 1


def test_different_incident_energies_are_refused(calosim, reference, finished_run, tmp_path, without_tensorflow):
    other = tmp_path / "other.hdf5"
    assert calosim("generate", finished_run[0], "--energies", 512, "--events", 300, "--out", other).returncode == 0
    process = calosim("evaluate", other, "--reference", reference, "--out", tmp_path / "out", **without_tensorflow)
    assert process.returncode == 2
    assert process.stderr.count("\n") == 1
    assert not (tmp_path / "out").exists()
