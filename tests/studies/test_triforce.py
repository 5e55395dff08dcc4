"""The 2 x 2 grid with networks that are trained for a moment on showers that differ plainly."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from calosim_tf.data.schema import ShowerSet
from calosim_tf.geometry import PHOTON
from calosim_tf.studies import triforce_network
from calosim_tf.studies.triforce import Showers, triforce_study


def _showers(events: int, seed: int, layer: int, response: float) -> ShowerSet:
    """Energies of 1 to 16 GeV with nearly all of it in one layer."""
    rng = np.random.default_rng(seed)
    incident = np.tile([1024.0, 4096.0, 16384.0], events // 3)
    showers = np.zeros((events, PHOTON.n_voxels))
    voxels = PHOTON.layer_slices[layer]
    showers[:, voxels] = rng.gamma(1.0, 1.0, (events, voxels.stop - voxels.start))
    showers *= (rng.normal(response, 0.02, events) * incident / showers.sum(axis=1))[:, None]
    return ShowerSet(incident, showers.astype(np.float32), PHOTON, "made-up sample")


@pytest.fixture(scope="module")
def document():
    """Generated showers have a response of 0.6 where Monte Carlo has 0.9; networks are small and learn fast."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in (("UNITS", 48), ("BATCH", 100), ("LEARNING_RATE", 3e-3)):
            patch.setattr(triforce_network, name, value)
        return _study()


def _study() -> dict:
    pions = _showers(300, 9, layer=12, response=0.3)
    real = [_showers(300, seed, layer=2, response=0.9) for seed in (1, 2)]
    made = [replace(r, showers_mev=r.showers_mev * np.float32(2 / 3), source="GAN") for r in real[::-1]]
    training, test = ({"MC": Showers(real[i], pions), "GAN": Showers(made[i], pions)} for i in range(2))
    return triforce_study(training, test, epochs=25, trainings=1)


@pytest.mark.slow
def test_networks_tell_particles_apart(document):
    """Breaks if labels are exchanged: accuracies near 0."""
    assert list(document["grid"]) == [f"trained on {a}, tested on {b}" for a in ("MC", "GAN") for b in ("MC", "GAN")]
    for cell in document["grid"].values():
        for accuracy in cell["accuracy"].values():
            assert accuracy["value"] > 0.95
            assert 0 < accuracy["error"] < 0.1


@pytest.mark.slow
def test_a_wrong_response_shows_off_the_diagonal_only(document):
    """Breaks if rows and columns of the grid are exchanged: trained on MC, generated showers look a third too low."""
    bias = {name: np.mean([row["bias"] for row in cell["energy"]]) for name, cell in document["grid"].items()}
    assert abs(bias["trained on MC, tested on MC"]) < 0.12
    assert abs(bias["trained on GAN, tested on GAN"]) < 0.12
    assert bias["trained on MC, tested on GAN"] < -0.2
    assert bias["trained on GAN, tested on MC"] > 0.25
    for row in document["grid"]["trained on MC, tested on MC"]["energy"]:
        assert 0 < row["resolution"] < 0.3
        assert row["resolution_error"] > 0
