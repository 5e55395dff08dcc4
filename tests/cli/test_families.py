"""The experiments of the other papers in real processes: train, generate, stop and resume on small made-up files."""

import csv
import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import tensorflow as tf

from calosim_tf.cli import main
from calosim_tf.config import TRAININGS
from calosim_tf.data.readers import read_showers
from calosim_tf.experiments import get_experiment
from calosim_tf.geometry import get_detector
from calosim_tf.training.load import load_generator
from calosim_tf.training.publish import publish
from calosim_tf.training.run_folder import RunFolder

LHCB = [
    "network.latent.size=6", "network.generator_filters=8,6,5,4", "network.critic_filters=4,5,6,8",
    "network.critic_units=6", "network.attention=none", "training.batch_size=16",
]  # fmt: skip
CALOGAN = [
    "network.latent.size=6", "network.seed_channels=2", "network.generator_filters=3,2", "network.smearing_filters=2",
    "network.critic_filters=2,3,2", "network.attribute_units=6,5,5,5", "network.minibatch_features=2",
    "network.minibatch_dimensions=2", "training.batch_size=16",
]  # fmt: skip
# More than 64 held-out showers: fewer different energies count as discrete ones.
# experiment, layout, showers, settings, normalisation, conditions of a particle and where they are found again
FAMILIES = {
    "lhcb": ("lhcb_sagan_sn_gd_smoke", "lhcb", 400, LHCB, "log_cells", {"x_cm": 1.5, "px_gev": 0.25}),
    "calogan": ("conditional_calogan_eplus_smoke", "calogan", 400, CALOGAN, "gev", {"theta_rad": 1.5, "y0_mm": -20.0}),
    "three_d_gan": ("conv3d_smoke", "clic", 240, ["training.batch_size=2", "data.holdout_fraction=0.3"], "cube", {}),
}  # fmt: skip
ENERGY_MEV = 20e3


@pytest.fixture(scope="module")
def cell_file(cells, store, tmp_path_factory):
    """``cell_file(layout, events)``: made-up showers in the layout of the detector."""

    def write(layout, events):
        arrays = cells(get_detector(layout).file_layout, events)
        return store(tmp_path_factory.mktemp("cells") / f"{layout}.hdf5", arrays)

    return write


@pytest.fixture(scope="module", params=FAMILIES)
def trained(request, calosim, cell_file, tmp_path_factory):
    """Name of the family, its data file and the folder of a run of two iterations."""
    experiment, layout, events, settings, *_ = FAMILIES[request.param]
    data = cell_file(layout, events)
    folder = tmp_path_factory.mktemp("runs") / request.param
    process = calosim(
        "train", experiment, "--data", data, "--out", folder, "--iterations", 2, "--set", *settings,
        "training.log_every=1", "training.checkpoint_every=2",
    )  # fmt: skip
    assert process.returncode == 0, process.stderr
    assert "best" in process.stdout
    assert "Traceback" not in process.stderr
    return request.param, data, folder


def test_a_run_leaves_the_agreed_folder(trained):
    """Breaks when a family trains but leaves out a record, or records the normalisation of another one."""
    family, _, folder = trained
    experiment, _, events, _, normalisation, _ = FAMILIES[family]
    assert json.loads((folder / "status.json").read_text()) == {"iteration": 2, "state": "finished", "exit": 0}
    assert json.loads((folder / "config.json").read_text())["name"] == experiment
    data = json.loads((folder / "data.json").read_text())
    assert data["normalisation"]["kind"] == normalisation
    assert data["events_trained_on"] + data["events_held_out"] == events
    with (folder / "history.csv").open(newline="") as stream:
        history = list(csv.DictReader(stream))
    assert [row["iteration"] for row in history] == ["1", "2"]
    for row in history:
        assert np.isfinite([float(value) for value in row.values()]).all()
        assert any(name.startswith("critic_loss_") for name in row)
        assert any(name.startswith("generator_loss_") for name in row)
    with (folder / "selection.csv").open(newline="") as stream:
        assert [(row["iteration"], row["chosen"]) for row in csv.DictReader(stream)] == [("2", "1")]
    metrics = json.loads((folder / "report" / "metrics.json").read_text())
    assert metrics["metrics"]["chi2_ndf_total_energy"]["n"] == data["events_held_out"]
    assert (folder / "report" / "report.html").is_file()


def test_like_a_file_writes_the_layout_of_the_detector(trained, tmp_path):
    """Breaks when energies or attributes are lost, reordered or scaled on their way through the writer."""
    family, data, folder = trained
    detector = get_detector(FAMILIES[family][1])
    out = tmp_path / "like.hdf5"
    assert main(["generate", str(folder), "--like", str(data), "--out", str(out)]) == 0
    found, expected = read_showers(out, detector, physical=False), read_showers(data, detector)
    np.testing.assert_allclose(found.incident_energy_mev, expected.incident_energy_mev, rtol=1e-6)
    np.testing.assert_allclose(found.attributes, expected.attributes, rtol=1e-5, atol=1e-5)
    assert found.source == f"{FAMILIES[family][0]}, iteration 2"
    # the showers are those that the network makes for these particles, negative cells set to 0
    generator, _ = load_generator(RunFolder(folder))
    made = np.concatenate(list(generator.blocks(expected.incident_energy_mev, 0, attributes=expected.attributes)))
    np.testing.assert_allclose(found.showers_mev, np.maximum(made, 0.0), rtol=1e-4, atol=1e-4)
    assert made.std() > 0


def test_energies_and_conditions_are_those_asked_for(trained, tmp_path, capsys):
    """Breaks when a condition reaches the file but not the network, or an unknown one passes."""
    family, _, folder = trained
    layout, conditions = FAMILIES[family][1], FAMILIES[family][-1]
    detector = get_detector(layout)
    request = ["generate", str(folder), "--energies", str(ENERGY_MEV), "--events", "5"]
    words = ["--condition", *(f"{name}={value}" for name, value in conditions.items())] if conditions else []
    assert main([*request, *words, "--out", str(tmp_path / "asked.hdf5")]) == 0
    found = read_showers(tmp_path / "asked.hdf5", detector, physical=False)
    np.testing.assert_allclose(found.incident_energy_mev, ENERGY_MEV, rtol=1e-6)
    for name, value in conditions.items():
        np.testing.assert_allclose(found.attributes[:, detector.attributes.index(name)], value, rtol=1e-5)
    if conditions:
        assert main([*request, "--out", str(tmp_path / "central.hdf5")]) == 0
        central = read_showers(tmp_path / "central.hdf5", detector, physical=False)
        assert not np.array_equal(found.showers_mev, central.showers_mev)
    capsys.readouterr()
    assert main([*request, "--condition", "colour=1", "--out", str(tmp_path / "no.hdf5")]) == 2
    message = capsys.readouterr().err
    assert message.count("\n") == 1
    assert "found 'colour=1'" in message
    assert not (tmp_path / "no.hdf5").exists()


# Conditions that no made-up shower has
BEYOND = {"lhcb": ("x_cm", 50.0), "calogan": ("phi_rad", 1.2)}


def test_conditions_beyond_the_training_showers_are_said_once(trained, tmp_path, capsys):
    """Breaks when an extrapolation in an attribute is silent, or is reported for every shower or block."""
    family, data, folder = trained
    out = ["--events", "5", "--batch", "2", "--force", "--out", str(tmp_path / "x.hdf5")]
    assert main(["generate", str(folder), "--like", str(data), *out[2:]]) == 0
    assert "extrapolation" not in capsys.readouterr().err
    if family in BEYOND:
        name, value = BEYOND[family]
        energies = ["--energies", str(ENERGY_MEV), "100"]
        assert main(["generate", str(folder), *energies, "--condition", f"{name}={value}", *out]) == 0
        (line,) = [line for line in capsys.readouterr().err.splitlines() if "extrapolation" in line]
        assert "100 MeV is outside the trained range" in line
        assert f"{name} {value:g} is outside the trained range of " in line


def test_the_published_form_of_a_run_is_its_generator(trained, tmp_path):
    """Breaks when the cut-down run holds another checkpoint, the wrong network, or no longer its normalisation."""
    _, _, folder = trained
    publish(RunFolder(folder), tmp_path / "published")
    (generator, iterations), (published, found) = (
        load_generator(RunFolder(path)) for path in (folder, tmp_path / "published")
    )
    assert found == iterations == (2,)
    assert published.normalisation == generator.normalisation
    for weight, expected in zip(published.network.variables, generator.network.variables, strict=True):
        np.testing.assert_array_equal(weight.numpy(), expected.numpy())
    energy = np.linspace(5e3, 40e3, 4)
    np.testing.assert_array_equal(
        np.concatenate(list(published.blocks(energy, 3))), np.concatenate(list(generator.blocks(energy, 3)))
    )
    saved = tf.train.list_variables(str(tmp_path / "published" / "checkpoints" / "2" / "state"))
    assert {name.split("/")[0] for name, _ in saved} == {"generator", "_CHECKPOINTABLE_OBJECT_GRAPH"}


def test_a_stop_signal_saves_the_state_and_resume_goes_on(calosim, cell_file, tmp_path):
    """Breaks when a family of several optimiser steps per iteration cannot be stopped between iterations."""
    experiment, layout, events, settings, *_ = FAMILIES["calogan"]
    run = tmp_path / "run"
    options = ["train", experiment, "--data", str(cell_file(layout, events)), "--out", str(run), "--no-report"]
    options += ["--set", *settings, "training.checkpoint_every=2"]
    process = subprocess.Popen(
        [sys.executable, "-m", "calosim_tf", *options, "--iterations", "100000"],
        stderr=subprocess.PIPE, text=True, env=os.environ,
    )  # fmt: skip
    deadline = time.monotonic() + 240
    while not (run / "checkpoints" / "latest").is_file() and process.poll() is None:
        assert time.monotonic() < deadline, "the run did not get under way"
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    _, message = process.communicate(timeout=60)
    assert process.returncode == 75, message
    assert "continue with --resume" in message
    reached = int((run / "checkpoints" / "latest").read_text())
    again = calosim(*options, "--iterations", reached + 1, "--resume")
    assert again.returncode == 0, again.stderr
    assert json.loads((run / "status.json").read_text()) == {"iteration": reached + 1, "state": "finished", "exit": 0}


@pytest.mark.parametrize("name", ["photon", "lhcb_wgan", "lhcb_sagan", "calogan_eplus", "conv2d_g1", "conv3d_angle"])
@pytest.mark.parametrize("algorithm", TRAININGS)
def test_the_loss_of_another_family_is_refused_in_one_line(name, algorithm, tmp_path, capsys):
    """Breaks when a single setting changes the loss, whose settings the experiment does not have."""
    if algorithm == get_experiment(name).training.algorithm:
        assert get_experiment(name).with_values({"training.algorithm": algorithm}) == get_experiment(name)
        return
    assert main(["train", name, "--out", str(tmp_path / "run"), "--set", f"training.algorithm={algorithm}"]) == 2
    message = capsys.readouterr().err
    assert message.startswith(f"calosim: error: training.algorithm: found '{algorithm}', expected")
    assert message.count("\n") == 1
    assert not (tmp_path / "run").exists()
