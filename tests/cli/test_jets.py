"""LAGAN from the command line: jets that have a class and no incident energy."""

import json

import h5py
import numpy as np
import pytest

from calosim_tf.cli import main

SETTINGS = [
    "network.latent.size=5", "network.seed_channels=2", "network.generator_filters=3,2,2",
    "network.critic_filters=2,2,2,2", "network.minibatch_features=2", "network.minibatch_dimensions=2",
    "training.batch_size=16", "training.checkpoint_every=2", "training.log_every=1",
]  # fmt: skip


@pytest.fixture(scope="module")
def jets(tmp_path_factory):
    """File of 300 parametrised jets."""
    path = tmp_path_factory.mktemp("jets") / "jets.hdf5"
    assert main(["data", "simulate", "jet_image", "--events", "300", "--out", str(path)]) == 0
    return path


@pytest.fixture(scope="module")
def run(calosim, jets, tmp_path_factory):
    """Run of two iterations."""
    folder = tmp_path_factory.mktemp("runs") / "lagan"
    options = ["--data", jets, "--out", folder, "--iterations", 2, "--set", *SETTINGS]
    process = calosim("train", "lagan_smoke", *options)
    assert process.returncode == 0, process.stderr
    assert "Traceback" not in process.stderr
    return folder


def refusal(capsys, *words):
    """The one line with which a command ends."""
    capsys.readouterr()
    assert main([str(word) for word in words]) == 2
    message = capsys.readouterr().err
    assert message.count("\n") == 1, message
    return message


def made(path):
    with h5py.File(path) as file:
        return file["image"][:], file["signal"][:]


def test_a_run_is_judged_by_the_observables_of_jets(run):
    """Breaks when a report needs an energy, or leaves out what jets are judged by."""
    metrics = json.loads((run / "report" / "metrics.json").read_text())["metrics"]
    assert metrics["chi2_ndf_total_energy"]["n"] == 30
    assert {"separation_jet", "emd_jet_jet_mass_gev", "emd_jet_tau_21"} <= set(metrics)
    assert (run / "report" / "report.html").is_file()


def test_the_class_asked_for_is_made_and_written(run, tmp_path):
    """Breaks when the class reaches the file but not the network, or an energy is asked for where there is none."""
    images = {}
    for label in (0, 1):
        out = tmp_path / f"{label}.hdf5"
        words = ["generate", run, "--events", 20, "--condition", f"signal={label}", "--out", out]
        assert main([str(word) for word in words]) == 0
        images[label], classes = made(out)
        np.testing.assert_array_equal(classes, label)
        assert images[label].shape == (20, 25, 25)
        assert images[label].min() >= 0
    assert not np.allclose(images[0], images[1])


def test_like_a_file_and_the_checks(run, jets, tmp_path, capsys):
    """Breaks when classes are lost on the way, or the figures of the paper cannot be drawn."""
    out = tmp_path / "like.hdf5"
    assert main(["generate", str(run), "--like", str(jets), "--out", str(out)]) == 0
    np.testing.assert_array_equal(made(out)[1], made(jets)[1])
    words = ["evaluate", out, "--reference", jets, "--out", tmp_path / "report", "--detector", "jet_image"]
    assert main([*map(str, words), "--metrics", "separation_jet", "--checks", "jets"]) == 0
    checks = json.loads((tmp_path / "report" / "checks" / "checks.json").read_text())
    assert checks["jets"]["w"]["reference"]["n"] + checks["jets"]["qcd"]["reference"]["n"] == 300
    assert 60 < checks["jets"]["qcd"]["reference"]["jet_mass_gev"]["mean"] < 100
    plots = {path.stem for path in (tmp_path / "report" / "checks" / "plots").iterdir()}
    assert plots == {"jet_images", "jet_observables", "pixel_intensities"}
    assert "w: jet_mass_gev" in capsys.readouterr().out


REFUSED = {
    "an energy": (
        ["--energies", "20000", "--events", "5"],
        "found 20000 MeV for detector 'jet_image', whose jets",
    ),
    "half a class": (["--events", "5", "--condition", "signal=0.5"], "--condition signal: found 0.5, expected a class"),
    "nothing": ([], "--events: found None, expected the number of showers"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_no_jet_has_is_refused_in_one_line(case, run, tmp_path, capsys):
    """Breaks when an energy that changes nothing is accepted, or a class between two."""
    words, expected = REFUSED[case]
    assert expected in refusal(capsys, "generate", run, *words, "--out", tmp_path / "no.hdf5")
    assert not (tmp_path / "no.hdf5").exists()


def test_checks_that_need_an_energy_or_jets_are_refused(run, jets, tmp_path, capsys):
    """Breaks when a walk along the energy of a jet is tried, or jets are looked for in a calorimeter."""
    words = ["evaluate", run, "--reference", jets, "--out", tmp_path / "no", "--checks"]
    assert "--checks traversal: needs incident energies" in refusal(capsys, *words, "traversal")
    assert "--checks ssim: needs showers of clic or clic_angle" in refusal(capsys, *words, "ssim")


def test_a_bundle_makes_the_same_jets(run, tmp_path):
    """Breaks when the table of classes or a locally connected layer does not survive the export."""
    bundle = tmp_path / "bundle"
    assert main(["export", str(run), "--format", "saved_model,tflite", "--out", str(bundle)]) == 0
    words = ["--events", "8", "--condition", "signal=1"]
    images = []
    for source, backend in ((run, "tf"), (bundle, "tf"), (bundle, "tflite")):
        out = tmp_path / f"{len(images)}.hdf5"
        assert main(["generate", str(source), *words, "--backend", backend, "--out", str(out)]) == 0
        images.append(made(out)[0])
    for other in images[1:]:
        np.testing.assert_allclose(other, images[0], rtol=1e-4, atol=1e-4)
