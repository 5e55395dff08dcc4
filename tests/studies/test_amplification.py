"""Quantile MSE and equivalent sample sizes, against hand calculations and samples of known laws."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from calosim_tf.data.schema import ShowerSet
from calosim_tf.errors import DataError
from calosim_tf.geometry import PHOTON
from calosim_tf.studies.amplification import (
    camel_back,
    camel_quantiles,
    equivalent_points,
    fit_camel_back,
    fitted_shares,
    mse_of_one_point,
    quantile_mse,
    shares_of,
    toy_amplification,
)
from calosim_tf.studies.shower_amplification import QuantileBins, shower_amplification


def test_mse_by_hand():
    """Two of four points in the first of two halves: no error; all in one: 1/4."""
    assert quantile_mse(shares_of(np.array([-1.0, -2.0, 1.0, 3.0]), np.array([0.0]))) == 0
    assert quantile_mse(shares_of(np.array([1.0, 2.0, 1.0, 3.0]), np.array([0.0]))) == 0.25
    assert mse_of_one_point(np.full(20, 0.05)) == pytest.approx((1 - 1 / 20) / 20)


def test_equivalent_points_of_true_samples_are_their_own_number():
    """Breaks if the expectation behind every amplification is off: 400 samples of 50 points count as 50."""
    rng = np.random.default_rng(1)
    edges = camel_quantiles(10)
    mse = np.mean([quantile_mse(shares_of(camel_back(50, rng), edges)) for _ in range(400)])
    assert equivalent_points(mse, mse_of_one_point(np.full(10, 0.1))) == pytest.approx(50, rel=0.08)


def test_the_reference_takes_its_own_fluctuation_away():
    """1/1000 = 1/N + 1/3000 gives N = 1500; a reference that explains all leaves no limit."""
    one = mse_of_one_point(np.full(10, 0.1))
    assert equivalent_points(one / 1000, one, 3000) == pytest.approx(1500)
    assert equivalent_points(one / 3000, one, 3000) == math.inf


def test_quantiles_and_fit_of_the_camel_back():
    edges = camel_quantiles(4)
    np.testing.assert_allclose(edges, [-4, 0, 4], atol=1e-3)  # the other peak reaches 6e-16 over 0
    points = camel_back(40_000, np.random.default_rng(3))
    np.testing.assert_allclose(fit_camel_back(points), [0.5, -4, 4, 1, 1], atol=0.03)
    np.testing.assert_allclose(fitted_shares(np.array([0.5, -4, 4, 1, 1]), edges), 0.25, atol=1e-3)


def test_toy_shows_what_the_paper_shows():
    """A fit that knows the form is worth more than its points; so is the stand-in, but only when many are drawn."""
    document = toy_amplification(repeats=40, sizes=(100, 3000), seed=2)
    found = document["observables"]["x"]
    assert found["training_sample"]["amplification"] == pytest.approx(1, abs=0.25)
    assert found["fit"]["amplification_low"] > 2
    few, many = (point["amplification"] for point in found["generated"])
    assert few < 1 < many
    assert "stand-in" in document["generator"]


def _showers(events: int, seed: int, width: float = 0.05) -> ShowerSet:
    rng = np.random.default_rng(seed)
    incident = np.tile([1024.0, 8192.0], events // 2)
    showers = rng.gamma(0.5, 1.0, (events, PHOTON.n_voxels))
    showers *= (rng.normal(0.9, width, events) * incident / showers.sum(axis=1))[:, None]
    return ShowerSet(incident, showers.astype(np.float32), PHOTON, f"made-up {seed}")


def test_ties_in_a_quantity_are_expected_and_not_an_error():
    """Breaks if a layer that is empty in most showers counts as a bad generator: the reference's own shares count."""
    rng = np.random.default_rng(5)
    values = np.where(rng.random(4000) < 0.7, 0.0, rng.random(4000))
    bins = QuantileBins(values, [np.arange(4000)], 10)
    assert bins.mse(values, [np.arange(4000)]) == 0
    other = np.where(rng.random(2000) < 0.7, 0.0, rng.random(2000))
    equivalent = equivalent_points(bins.mse(other, [np.arange(2000)]), bins.of_one_point, 4000)
    assert equivalent > 500


def test_a_perfect_generator_amplifies_and_a_broad_one_does_not():
    """Breaks if generated showers are compared with others of other energies, or curves are mixed up."""
    training, reference = _showers(300, 1), _showers(12_000, 2)

    def perfect(incident: np.ndarray, _: np.ndarray, seed: int) -> np.ndarray:
        made = _showers(len(incident), seed + 100)
        order = np.argsort(incident, kind="stable")
        showers = np.empty_like(made.showers_mev)
        showers[order] = made.take(np.argsort(made.incident_energy_mev, kind="stable")).showers_mev
        # energies need not come in equal numbers
        return showers * (incident / np.sort(made.incident_energy_mev)[np.argsort(order)])[:, None]

    found = shower_amplification(perfect, training, reference, generator="perfect", sizes=(1.0, 10.0), repeats=2)
    response = found["observables"]["E_tot/E_inc"]
    assert response["generated"][0]["amplification_low"] < 2
    assert response["generated"][1]["amplification"] is None or response["generated"][1]["amplification"] > 3
    broad = replace(reference, showers_mev=reference.showers_mev * 1.03)

    def biased(incident: np.ndarray, _: np.ndarray, __: int) -> np.ndarray:
        pools = {energy: broad.showers_mev[broad.incident_energy_mev == energy] for energy in np.unique(incident)}
        return np.stack([pools[energy][place % 6000] for place, energy in enumerate(incident)])

    found = shower_amplification(biased, training, reference, generator="biased", sizes=(10.0,), repeats=2)
    assert found["observables"]["E_tot/E_inc"]["generated"][0]["amplification_high"] < 1


def test_small_references_are_refused():
    with pytest.raises(DataError, match=r"found 40 reference showers at an incident energy, expected at least 100"):
        shower_amplification(lambda *_: None, _showers(100, 1), _showers(80, 2), generator="g")
