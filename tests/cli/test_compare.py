"""Scores of several LHCb generators on one held-out part, through the command's own entry point."""

import json
from pathlib import Path

import numpy as np
import pytest

from calosim_tf.cli import main
from calosim_tf.data_prep.simulate import simulate_to_file
from calosim_tf.training.inspection.attention_maps import attention_of
from calosim_tf.training.load import load_network
from calosim_tf.training.run_folder import RunFolder

TINY = [
    "network.latent.size=4", "network.generator_filters=8,8,8,8", "network.critic_filters=8,8,8,8",
    "network.critic_units=8,4", "training.batch_size=16", "training.critic_steps=1", "training.checkpoint_every=1",
]  # fmt: skip


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Two generators of one iteration on the same 400 parametrised showers, and the file."""
    pytest.importorskip("sklearn", reason="scikit-learn is not installed (extra: eval)")
    folder = tmp_path_factory.mktemp("lhcb")
    data = folder / "lhcb.hdf5"
    simulate_to_file("lhcb", data, 400, seed=1)
    for name in ("lhcb_wgan", "lhcb_sagan_sn_gd"):
        arguments = ["train", name, "--data", data, "--iterations", 1, "--no-report", "--out", folder / name]
        assert main([*map(str, arguments), "--set", *TINY]) == 0
    return folder, data


def compare(folder: Path, data: Path, out: Path, *names: str) -> int:
    runs = [str(folder / name) for name in names]
    small = ["--clusters", "5", "--clusterings", "2"]
    return main(["compare", *runs, "--data", str(data), "--out", str(out), *small])


@pytest.mark.slow
def test_scores_of_both_stand_beside_real_showers(runs, tmp_path, capsys):
    """Breaks if a model is left out, scored on what it was trained on, or the real-against-real value is missing."""
    folder, data = runs
    assert compare(folder, data, tmp_path / "out", "lhcb_wgan", "lhcb_sagan_sn_gd") == 0
    table = capsys.readouterr().out
    assert "real against real" in table
    assert "80 held-out showers" in table  # a fifth of 400
    models = json.loads((tmp_path / "out" / "metrics.json").read_text())["models"]
    assert list(models) == ["lhcb_wgan", "lhcb_sagan_sn_gd"]
    for document in models.values():
        entry = document["metrics"]["prd_auc_raw"]
        # real showers score higher than an untrained network
        assert entry["value"] < entry["reference_vs_reference"] - 0.1
        assert (document["n"], entry["n_clusters"], entry["n_runs"]) == (80, 5, 2)
    pictures = {path.name for path in (tmp_path / "out" / "plots").iterdir()}
    assert {"samples.png", "statistics.png", "prd_raw.png", "attention_lhcb_sagan_sn_gd.png"} <= pictures
    assert "attention_lhcb_wgan.png" not in pictures


@pytest.mark.slow
def test_other_data_are_refused(runs, tmp_path, capsys):
    """Breaks if scores are taken on showers of which nobody knows whether a run has seen them."""
    folder, _ = runs
    other = tmp_path / "other.hdf5"
    simulate_to_file("lhcb", other, 60, seed=2)
    assert compare(folder, other, tmp_path / "out", "lhcb_wgan") == 2
    message = capsys.readouterr().err
    assert "was trained on other data than these" in message
    assert not (tmp_path / "out").exists()


def test_other_detectors_are_refused(tmp_path, capsys):
    assert main(["compare", "pretrained:photon", "--out", str(tmp_path / "out")]) == 2
    assert "found layout 'photon', expected one of lhcb" in capsys.readouterr().err


@pytest.mark.slow
def test_attention_maps_are_weights(runs):
    """Breaks if rows and columns of the map are exchanged: what an output takes sums to 1 over the inputs."""
    folder, _ = runs
    generator, _ = load_network(RunFolder(folder / "lhcb_sagan_sn_gd"))
    energy = np.array([5e3, 2e4])
    maps, gamma = attention_of(generator, energy, generator.detector.central_attributes(energy), seed=0)
    assert maps.shape == (2, 8, 8, 8, 8)
    np.testing.assert_allclose(maps.sum(axis=(3, 4)), 1.0, rtol=1e-5)
    assert isinstance(gamma, float)
    plain, _ = load_network(RunFolder(folder / "lhcb_wgan"))
    assert attention_of(plain, energy, plain.detector.central_attributes(energy), seed=0) is None
