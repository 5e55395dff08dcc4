"""Damages do what they say, and the study sees them and nothing else."""

from __future__ import annotations

import numpy as np
import pytest

from calosim_tf.data.schema import ShowerSet
from calosim_tf.errors import DataError
from calosim_tf.geometry import CellLayer, VoxelLayer
from calosim_tf.geometry.detectors import PHOTON
from calosim_tf.physics.metrics.listed import METRICS
from calosim_tf.studies.damages import DAMAGES
from calosim_tf.studies.displacement import transfer_matrix
from calosim_tf.studies.report import sensitivity_summary
from calosim_tf.studies.sensitivity import fired, sensitivity_study

NAMES = (
    "response_mean_ratio",
    "separation_layer_energy",
    "separation_width_r",
    "exact_copies",
)


def photons(events: int, seed: int = 1) -> ShowerSet:
    """Narrow showers of two energies whose response is 2 % wide."""
    rng = np.random.default_rng(seed)
    incident = np.tile([1024.0, 8192.0], events // 2)
    means = np.concatenate(
        [
            np.tile(share * np.exp(-layer.r_mid_mm / 20.0), layer.n_alpha)
            for layer, share in zip(PHOTON.layers, (0.05, 0.3, 0.6, 0.04, 0.01), strict=True)
        ]
    )
    showers = rng.gamma(20 * means / means.sum() + 0.02, 1.0, (events, PHOTON.n_voxels))
    showers *= (rng.normal(0.9, 0.02, events) * incident / showers.sum(axis=1))[:, None]
    return ShowerSet(incident, showers.astype(np.float32), PHOTON, "made-up sample")


@pytest.fixture(scope="module")
def sample() -> ShowerSet:
    return photons(600)


def spoil(name: str, sample: ShowerSet) -> ShowerSet:
    damage = next(damage for damage in DAMAGES if damage.name == name)
    return damage.function(sample, photons(2000, seed=7), np.random.default_rng(3))


@pytest.mark.parametrize(
    "layer", [VoxelLayer(1, tuple(3.0 * i for i in range(20)), 16), CellLayer(0, 12, 12, row_mm=5.0, column_mm=5.0)]
)
def test_moving_conserves_energy_and_nothing_moves_by_nothing(layer):
    """Breaks if energy is lost at borders, or voxels are numbered in another order than the showers."""
    np.testing.assert_allclose(transfer_matrix(layer, (0.0, 0.0)), np.eye(layer.n_voxels), atol=1e-12)
    matrix = transfer_matrix(layer, (3.0, -4.0))
    np.testing.assert_allclose(matrix.sum(axis=1), 1.0)
    x, y = (layer.coordinates_mm[axis] for axis in (("eta", "phi") if isinstance(layer, VoxelLayer) else ("x", "y")))
    inner = np.hypot(x, y) < 12
    moved = (matrix @ np.stack([x, y], axis=1))[inner].mean(axis=0) - [x[inner].mean(), y[inner].mean()]
    np.testing.assert_allclose(moved, (3.0, -4.0), atol=0.3)


def test_damages_do_what_they_say(sample):
    """Breaks if a damage changes something else too: what the table then shows would be another damage."""
    spoilt = {damage.name: spoil(damage.name, sample) for damage in DAMAGES}
    totals = {name: showers.showers_mev.sum(axis=1) for name, showers in spoilt.items()}
    real = sample.showers_mev.sum(axis=1)
    np.testing.assert_allclose(totals["energy_scale"], 1.02 * real, rtol=1e-5)
    np.testing.assert_allclose(totals["smeared_centre"], real, rtol=1e-5)
    np.testing.assert_allclose(totals["permuted_cells"], real, rtol=1e-5)
    assert not np.array_equal(spoilt["permuted_cells"].showers_mev, sample.showers_mev)
    empty = spoilt["dropped_layer"].showers_mev == 0
    dropped = {layer for layer, voxels in PHOTON.layer_slices.items() if empty[:, voxels].all()}
    assert dropped == {min(PHOTON.layer_slices, key=lambda i: sample.showers_mev[:, PHOTON.layer_slices[i]].sum())}
    collapsed = spoilt["mode_collapse"]
    distinct, counts = np.unique(collapsed.showers_mev, axis=0, return_counts=True)
    assert len(distinct) == 60
    assert set(counts) == {10}
    for name, showers in spoilt.items():
        np.testing.assert_array_equal(showers.incident_energy_mev, sample.incident_energy_mev, err_msg=name)


def test_memorised_showers_are_training_showers_each_once(sample):
    training = photons(2000, seed=7)
    copies = spoil("memorised_copies", sample).showers_mev
    known = {row.tobytes() for row in training.showers_mev}
    assert all(row.tobytes() in known for row in copies)
    assert len({row.tobytes() for row in copies}) == len(copies)


@pytest.mark.slow
def test_each_damage_is_seen_and_monte_carlo_is_not():
    """Breaks if sigma or the direction of a difference is wrong, or processes change the numbers."""
    metrics = [METRICS[name] for name in NAMES] + [METRICS["fpd"]]
    document = sensitivity_study(photons(2400), metrics, resamples=40, processes=2)
    assert "response_mean_ratio" in fired(document, "energy_scale")
    assert "separation_layer_energy" in fired(document, "dropped_layer")
    assert "separation_width_r" in fired(document, "permuted_cells")
    assert fired(document, "memorised_copies") == ["exact_copies"]
    assert "exact_copies" in fired(document, "mode_collapse")
    assert all(entry.get("mc_vs_mc", 0.0) <= entry.get("fires_above", 0.0) for entry in document["metrics"].values())
    assert document["metrics"]["fpd"]["reason"] == "needs 10000 showers of each kind"
    assert document["showers"] == {"generated": 400, "reference": 800, "training": 1200}
    assert "memorised_copies: seen by 1 (exact_copies)" in sensitivity_summary(document)
    again = sensitivity_study(photons(2400), metrics, resamples=40, processes=1)
    assert again == document


def test_small_samples_are_refused():
    with pytest.raises(DataError, match=r"found 50 showers at an incident energy, expected at least 120"):
        sensitivity_study(photons(100), [METRICS["response_mean_ratio"]])
