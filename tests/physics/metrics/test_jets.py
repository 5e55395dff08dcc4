"""Metrics of jet images: earth mover's distance against scipy, classes apart."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import wasserstein_distance

from calosim_tf.data.schema import ShowerSet
from calosim_tf.data_prep.simulate import simulate
from calosim_tf.geometry.detectors import JET_IMAGE
from calosim_tf.physics.metrics.comparison import compare, make_baseline
from calosim_tf.physics.metrics.jets import JET_METRICS, earth_movers_distance
from calosim_tf.physics.metrics.metric import measure
from calosim_tf.physics.papers.jet_classes import CLASSES, classes_of

N = 512  # showers that the simulator makes at a time


@pytest.fixture(scope="module")
def samples() -> tuple[ShowerSet, ShowerSet]:
    """Two independent samples of parametrised jets."""
    first, second = simulate("jet_image", 2 * N, 4)
    return tuple(sample.take(np.arange(N // 2)) for sample in (first, second))


def measured(generated, reference):
    comparison = compare(generated, reference)
    return measure(JET_METRICS, comparison, make_baseline(comparison, None)).overall


def test_pixels_of_a_class_by_hand():
    """Breaks when pixels are not in GeV or not per jet, small ones stay, or a class takes the jets of the other."""
    pixels_mev = np.zeros((3, JET_IMAGE.n_voxels))
    pixels_mev[:, 7], pixels_mev[:, 8] = (3000.0, 5000.0, 3000.0), 0.5 * JET_IMAGE.threshold_mev
    showers = ShowerSet(np.full(3, 275e3), pixels_mev, JET_IMAGE, "by hand", np.array([[1.0], [0.0], [1.0]]))
    for name, value in CLASSES.items():
        found = classes_of(showers)[name]
        n, expected = (2, 3.0) if value == 1.0 else (1, 5.0)
        assert (found.n, found.mean_image_gev.sum(), found.mean_image_gev[0, 7]) == (n, expected, expected)
        assert (found.occupancy, found.intensities.sum()) == (pytest.approx(1 / 625), 1)


def test_the_distance_of_histograms_is_that_of_their_entries():
    """Breaks when it is not in bins, not of shares, or mass that goes two bins is counted once."""
    rng = np.random.default_rng(2)
    places = np.arange(7)
    first, second = rng.integers(0, 9, (3, 7)), rng.integers(0, 9, (3, 7))
    expected = [wasserstein_distance(places, places, a, b) for a, b in zip(first, second, strict=True)]
    np.testing.assert_allclose(earth_movers_distance(first, second), expected)


@pytest.mark.slow
def test_a_perfect_generator_scores_as_monte_carlo(samples):
    """Breaks when classes or samples are mixed up: then two samples of one law would differ."""
    entries = measured(*samples)
    assert entries["separation_jet"]["value"] < 0.25
    for name in ("jet_mass_gev", "jet_pt_gev", "tau_21"):
        # about a tenth of the bins is what 128 jets of a class differ by
        assert entries[f"emd_jet_{name}"]["value"] < 5.0
        assert f"separation_jet_w_{name}" in entries


@pytest.mark.slow
def test_exchanged_classes_are_seen(samples):
    """Breaks when an observable is compared over both classes together, where an exchange changes nothing."""
    generated, reference = samples
    exchanged = replace(generated, attributes=1.0 - generated.attributes)
    right, wrong = (measured(made, reference) for made in (generated, exchanged))
    # tau21 tells the classes apart; the others differ by little in so few jets
    for name in ("separation_jet_w_tau_21", "separation_jet_qcd_tau_21", "emd_jet_tau_21"):
        assert wrong[name]["value"] > 4 * right[name]["value"], name


@pytest.mark.slow
def test_jets_of_one_class_alone_have_no_number(samples):
    """Breaks when a missing class ends in a traceback, or passes for a perfect one."""
    generated, reference = samples
    entries = measured(replace(generated, attributes=np.zeros_like(generated.attributes)), reference)
    assert entries["separation_jet"]["value"] is None
    assert entries["separation_jet"]["reason"] == "needs jets of both classes, found none of class w"
