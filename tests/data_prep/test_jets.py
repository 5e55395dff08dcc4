"""Parametrised jets: the window of the public file, and what tells the classes apart."""

import numpy as np
import pytest

from calosim_tf.data_prep.jets import jet_images_mev
from calosim_tf.physics.observables.jets import jet_observables

N = 300


@pytest.fixture(scope="module")
def jets():
    """Images in GeV by class."""
    classes = np.repeat([0.0, 1.0], N)[:, None]
    images = jet_images_mev(np.full(2 * N, 275e3), classes, np.random.default_rng(1)) / 1e3
    return images[:N], images[N:]


@pytest.mark.parametrize("label", [0, 1])
def test_mass_and_transverse_momentum_are_those_of_the_window(jets, label):
    """Breaks when a jet leaves 60 to 100 GeV of mass or 250 to 300 GeV of transverse momentum."""
    found = jet_observables(jets[label])
    assert found["jet_mass_gev"].min() > 59.9
    assert found["jet_mass_gev"].max() < 100.1
    assert found["jet_pt_gev"].min() > 249
    assert found["jet_pt_gev"].max() < 300.1
    assert found["jet_pt_gev"].mean() == pytest.approx(275, abs=3)


def test_the_classes_differ_as_one_and_two_prongs_do(jets):
    """Breaks when signal has no peak near 80 GeV, QCD does not fall, or two prongs are no more two than one is."""
    qcd, signal = map(jet_observables, jets)
    assert np.median(signal["jet_mass_gev"]) == pytest.approx(80.4, abs=2)
    assert np.median(qcd["jet_mass_gev"]) < 79
    assert signal["jet_mass_gev"].std() < 0.8 * qcd["jet_mass_gev"].std()
    assert np.median(signal["tau_21"]) < np.median(qcd["tau_21"]) - 0.05


@pytest.mark.parametrize("label", [0, 1])
def test_images_are_centred_turned_and_mirrored(jets, label):
    """Breaks when the leading prong leaves the middle, the second one is not below, or the left half holds more."""
    images = jets[label].reshape(-1, 25, 25)
    mean = images.mean(axis=0)
    assert np.unravel_index(mean.argmax(), mean.shape) == (12, 12)
    assert mean[14:].sum() > 1.5 * mean[:11].sum()
    assert (images[:, :, 13:].sum(axis=(1, 2)) >= images[:, :, :12].sum(axis=(1, 2))).all()
    occupied = (images > 0).mean()
    assert 0.05 < occupied < 0.2
