"""Observables of jet images against numbers by hand and a clustering pair by pair."""

import numpy as np
import pytest

from calosim_tf.data.schema import ShowerSet
from calosim_tf.geometry import get_detector
from calosim_tf.geometry.jet_pixels import mass_and_pt, pixel_grid
from calosim_tf.physics.observables.jets import jet_observables, tau_1, tau_2, tau_21
from calosim_tf.physics.papers.jet_classes import observables_by_class


def image(**pixels):
    """Image of pixels ``r3c12=5.0``: row 3, column 12, 5 GeV."""
    found = np.zeros((25, 25))
    for place, value in pixels.items():
        row, column = (int(number) for number in place[1:].split("c"))
        found[row, column] = value
    return found.reshape(1, -1)


def random_images(n, share, seed=0):
    rng = np.random.default_rng(seed)
    return rng.exponential(10.0, (n, 625)) * (rng.random((n, 625)) < share)


def slow_tau_2(pixels):
    """Merge the nearest pair of a list again and again; of pairs as near, the first one in the order of pixels."""
    eta, phi = pixel_grid()
    objects = [(pixels[k], eta[k], phi[k]) for k in np.flatnonzero(pixels)]
    while len(objects) > 2:
        distances = {
            (i, j): min(a[0], b[0]) ** 2 * ((a[1] - b[1]) ** 2 + (a[2] - b[2]) ** 2)
            for i, a in enumerate(objects)
            for j, b in enumerate(objects)
            if i < j
        }
        pair = min(distances, key=distances.get)
        harder, softer = sorted(pair, key=lambda k: -objects[k][0])
        objects[harder] = (objects[harder][0] + objects[softer][0], *objects[harder][1:])
        objects.pop(softer)
    apart = np.min([np.hypot(eta - a, phi - b) for _, a, b in objects], axis=0)
    return (apart * pixels).sum() / pixels.sum()


def test_the_grid_counts_eta_up_and_phi_down():
    """Breaks when axes are exchanged or rows count upwards."""
    eta, phi = (values.reshape(25, 25) for values in pixel_grid())
    assert (eta[0, 0], eta[7, 24]) == (pytest.approx(-1.2), pytest.approx(1.2))
    assert (phi[0, 0], phi[24, 7]) == (pytest.approx(1.2), pytest.approx(-1.2))


def test_one_pixel_is_massless():
    """Breaks when squares of large numbers cancel, or an axis of the jet is not its pixel."""
    found = jet_observables(image(r3c20=250.0))
    assert found["jet_mass_gev"][0] == pytest.approx(0.0, abs=1e-3)
    assert found["jet_pt_gev"][0] == pytest.approx(250.0)
    assert found["tau_21"][0] == 0.0


def test_two_pixels_have_the_mass_of_two_massless_particles():
    """Breaks when eta and phi are mixed up: m^2 = 2 pt1 pt2 (cosh d eta - cos d phi)."""
    pixels = image(r12c12=200.0, r18c16=80.0)
    mass, pt = mass_and_pt(pixels)
    assert mass[0] == pytest.approx(np.sqrt(2 * 200 * 80 * (np.cosh(0.4) - np.cos(0.6))))
    assert pt[0] == pytest.approx(np.hypot(200 + 80 * np.cos(0.6), 80 * np.sin(0.6)))
    assert tau_1(pixels)[0] == pytest.approx(80 * np.hypot(0.4, 0.6) / 280)
    assert tau_2(pixels)[0] == 0.0


def test_empty_images_have_none():
    """Breaks when a generator that makes nothing ends in a division by zero."""
    for values in jet_observables(np.zeros((2, 625))).values():
        np.testing.assert_array_equal(values, 0.0)


@pytest.mark.parametrize("share", [0.005, 0.03, 0.08])
def test_tau_2_equals_the_clustering_pair_by_pair(share):
    """Breaks when a merged object keeps an old neighbour, gets the direction of the softer one, or a lost one stays."""
    pixels = random_images(6, share)
    np.testing.assert_allclose(tau_2(pixels), [slow_tau_2(row) if (row > 0).sum() > 1 else 0 for row in pixels])


@pytest.mark.slow
def test_tau_21_does_not_depend_on_the_company():
    """Breaks when images of few and of many pixels are padded into each other."""
    pixels = np.concatenate([random_images(3, 0.01), random_images(3, 0.9, 1), np.zeros((1, 625))])
    np.testing.assert_allclose(tau_21(pixels), np.concatenate([tau_21(row[None]) for row in pixels]))
    np.testing.assert_allclose(tau_21(pixels)[:-1], tau_2(pixels)[:-1] / tau_1(pixels)[:-1])
    assert np.all(tau_21(pixels)[:-1] > 0.0)
    assert tau_21(pixels)[-1] == 0.0


def test_jets_are_told_apart_by_their_class():
    """Breaks when a class has the jets of the other, pixels below the threshold count, or MeV are taken for GeV."""
    detector = get_detector("jet_image")
    showers = np.zeros((3, detector.n_voxels))
    showers[:, 100] = 1e3 * np.array([200.0, 250.0, 300.0])
    showers[:, 300] = 0.5 * detector.threshold_mev
    jets = ShowerSet(np.full(3, 1e3), showers, detector, "made by hand", np.array([[1.0], [0.0], [1.0]]))
    found = observables_by_class(jets)
    np.testing.assert_allclose(found["w"]["jet_pt_gev"], [200.0, 300.0])
    np.testing.assert_allclose(found["qcd"]["jet_pt_gev"], [250.0])
    np.testing.assert_allclose(found["w"]["jet_mass_gev"], 0.0, atol=1e-3)
