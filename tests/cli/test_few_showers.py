"""Data with too few showers, or too few that hold energy, to choose a checkpoint by or to train on."""

import csv
import json

import h5py
import numpy as np
import pytest

from calosim_tf.training.judging.selection import best_row, chi2_words

from ..conftest import made_up_photons


def _file(path, events_per_energy, filled=1.0):
    incident, showers = made_up_photons(np.asarray(events_per_energy), seed=2)
    showers[np.random.default_rng(1).random(len(showers)) >= filled] = 0
    with h5py.File(path, "w") as file:
        file["incident_energies"], file["showers"] = incident[:, None], showers.astype("f4")
    return path


@pytest.mark.parametrize(
    ("events", "fraction", "words"),
    [(1, 0.05, "0.05 of 15 showers leaves 15 to train on and 0 to judge by"), (10, 0.001, "of 150 showers leaves 150")],
)
def test_nothing_held_out_is_one_line_before_training(calosim, without_tensorflow, tmp_path, events, fraction, words):
    """Breaks if the first selection, after an interval of training, is what finds no shower to judge by."""
    path = _file(tmp_path / "few.hdf5", [events] * 15)
    process = calosim(
        "train", "photon", "--data", path, "--out", tmp_path / "run", "--set", f"data.holdout_fraction={fraction}",
        **without_tensorflow,
    )  # fmt: skip
    assert process.returncode == 2
    assert process.stderr.count("\n") == 1
    assert words in process.stderr
    assert not (tmp_path / "run" / "config.json").exists()


def test_without_a_usable_energy_the_newest_checkpoint_is_kept(calosim, tmp_path, tiny_settings):
    """Breaks if chi2/NDF is infinite for ever, so that the first checkpoint stays the best and nobody is told."""
    path, run = _file(tmp_path / "one_each.hdf5", [1] * 15, filled=0.5), tmp_path / "run"
    process = calosim("train", "photon", "--data", path, "--iterations", 8, "--out", run, *tiny_settings)
    assert process.returncode == 0, process.stderr
    assert process.stderr.count("nothing can be selected") == 1
    assert "inf" not in process.stderr + process.stdout
    with (run / "selection.csv").open() as stream:
        assert [(row["iteration"], row["chosen"]) for row in csv.DictReader(stream)] == [("4", "0"), ("8", "1")]
    assert (run / "checkpoints" / "best").read_text() == "8\n"
    assert json.loads((run / "status.json").read_text())["state"] == "finished"


def test_the_newest_is_best_only_where_no_row_has_a_value():
    """Breaks if a row without a value is chosen before one with, or of equal values a later one."""
    rows = [{"iteration": str(i), "chi2": chi2, "ndf": ndf} for i, chi2, ndf in ((1, "0", "0"), (2, "nan", "3"))]
    assert best_row(rows)["iteration"] == "2"
    rows += [{"iteration": str(i), "chi2": "6", "ndf": "3"} for i in (3, 4)]
    assert best_row(rows)["iteration"] == "3"
    assert [chi2_words(row) for row in rows] == ["-", "-", "2.00", "2.00"]
