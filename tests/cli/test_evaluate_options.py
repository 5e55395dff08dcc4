"""``calosim evaluate`` with classifiers, reweighting and timing, through real processes."""

from __future__ import annotations

import json

import h5py
import numpy as np
import pytest

from calosim_tf.data.bundled import bundled_sample

ENERGIES_MEV = (1024.0, 4096.0, 16384.0)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Reference: 975 real showers at each of three energies; generated: as many others, layer 2 doubled, but only 500
    at the lowest energy.
    """
    folder = tmp_path_factory.mktemp("showers")
    with h5py.File(bundled_sample("photon")) as stream:
        energies, showers = stream["incident_energies"][:], stream["showers"][:]
    rows = [np.flatnonzero(energies[:, 0] == energy)[:1950] for energy in ENERGIES_MEV]
    parts = {
        "reference": np.concatenate([place[:975] for place in rows]),
        "generated": np.concatenate([rows[0][975:1475], rows[1][975:], rows[2][975:]]),
    }
    for name, chosen in parts.items():
        voxels = showers[chosen].copy()
        voxels[:, 168:358] *= 2.0 if name == "generated" else 1.0
        with h5py.File(folder / f"{name}.hdf5", "w") as stream:
            stream["incident_energies"], stream["showers"] = energies[chosen], voxels
    return folder


def test_fast_classifier_after_reweighting(calosim, files, tmp_path):
    """Breaks if --fast trains with other settings, does not learn, separates Monte Carlo from itself, or nothing is
    thinned first; a metric without enough showers must say why.
    """
    names = "auc_high_level,jsd_high_level,inception_score_ratio,fpd,exact_copies"
    arguments = ("evaluate", files / "generated.hdf5", "--reference", files / "reference.hdf5", "--out", tmp_path / "r")
    refused = calosim(*arguments, "--metrics", names)
    assert refused.returncode == 2
    assert "--reweight" in refused.stderr
    assert not (tmp_path / "r").exists()
    process = calosim(*arguments, "--metrics", names, "--reweight", "--fast", "--timing")
    assert process.returncode == 0, process.stderr
    document = json.loads((tmp_path / "r" / "metrics.json").read_text())
    entries = document["metrics"]
    auc = entries["auc_high_level"]
    assert auc["value"] > 0.8
    assert abs(auc["reference_vs_reference"] - 0.5) < 5 * auc["reference_vs_reference_error"]
    assert (auc["mode"], auc["n_trainings"], auc["widths"]) == ("fast", 1, [256, 256, 256])
    assert (auc["n_trained"], auc["n_scored"]) == (2 * (2450 * 80 // 121), 2 * (2450 * 21 // 121))
    assert entries["jsd_high_level"]["value"] > 0.2
    assert entries["inception_score_ratio"]["reference_vs_reference"] == pytest.approx(1, abs=0.05)
    assert entries["exact_copies"]["value"] == 0
    assert entries["fpd"]["value"] is None
    assert "needs 10000 showers" in entries["fpd"]["reason"]
    assert "fpd: n/a, needs 10000 showers" in process.stdout
    assert "thinned to equal numbers at each of 3 incident energies; 2450 of 2450 generated" in process.stdout
    assert "Classifiers, fast: 1 training of 3 x 256 for 30 epochs (CaloChallenge: full: 10 trainings" in process.stdout
    assert set(document["cost_seconds"]) == set(names.split(","))


def test_unknown_metric_and_two_kinds_of_classifiers_are_one_line(calosim, files, tmp_path):
    """Breaks if the files are read before the options are checked, or both kinds are taken."""
    arguments = ("evaluate", files / "generated.hdf5", "--reference", "no such file", "--out", tmp_path / "r")
    for options, words in ((("--metrics", "fdp"), "fdp: unknown"), (("--fast", "--classifier"), "not allowed with")):
        process = calosim(*arguments, *options)
        assert process.returncode == 2
        assert words in process.stderr
        assert process.stderr.count("\n") == 1
