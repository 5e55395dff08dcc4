"""Particles requested with ``calosim generate --condition``, and the defaults of a detector."""

from __future__ import annotations

import argparse

import numpy as np
import pytest

from calosim_tf.commands.generate import requested_particles, with_conditions
from calosim_tf.errors import ConfigError
from calosim_tf.geometry import DETECTORS, get_detector

ENERGY = np.array([5e3, 2e4])  # MeV
LHCB, CALOGAN, PHOTON = map(get_detector, ("lhcb", "calogan", "photon"))


def test_central_particles_by_hand():
    """Breaks if a default particle is not perpendicular, or pz is not the energy in GeV."""
    assert LHCB.central_attributes(ENERGY).tolist() == [[0, 0, 5, 0, 0], [0, 0, 20, 0, 0]]
    assert CALOGAN.central_attributes(ENERGY).tolist() == [[np.pi / 2, 0, 0, 0]] * 2
    assert get_detector("clic_angle").central_attributes(ENERGY).tolist() == [[np.pi / 2]] * 2
    assert PHOTON.central_attributes(ENERGY).shape == (2, 0)


def test_every_attribute_has_a_central_value():
    """Breaks if a detector gains an attribute without its default: columns would shift."""
    for detector in DETECTORS.values():
        assert len(detector.central) == len(detector.attributes)
        central = detector.central_attributes(ENERGY)
        assert central.shape == (2, len(detector.attributes))
        assert np.isfinite(central).all()


def test_given_values_replace_the_central_ones():
    """Breaks if a value lands in another column, or NAME=VALUE is not NAME=VALUE."""
    found = with_conditions(CALOGAN, ENERGY, ["y0_mm=-12.5", "theta_rad=1.4", "phi_rad=1e-1"])
    assert found.tolist() == [[1.4, 0.1, 0.0, -12.5]] * 2


def test_pz_follows_from_the_momentum():
    """Breaks if |p| is no longer the energy: sqrt(5^2 - 3^2) = 4, and 12^2 + 16^2 = 20^2."""
    found = with_conditions(LHCB, ENERGY[:1], ["px_gev=-3", "x_cm=2"])
    np.testing.assert_allclose(found, [[-3, 0, 4, 2, 0]], rtol=1e-14)
    found = with_conditions(LHCB, ENERGY[1:], ["py_gev=12"])
    np.testing.assert_allclose(found, [[0, 12, 16, 0, 0]], rtol=1e-14)
    assert with_conditions(LHCB, ENERGY, []).tolist() == LHCB.central_attributes(ENERGY).tolist()


@pytest.mark.parametrize(
    ("detector", "conditions", "words"),
    [
        (LHCB, ["pt_gev=1"], r"--condition: found 'pt_gev=1', expected NAME=VALUE .*: px_gev, py_gev, x_cm, y_cm"),
        (LHCB, ["px_gev"], "--condition px_gev: found '', expected a number"),
        (LHCB, ["px_gev=fast"], "--condition px_gev: found 'fast', expected a number"),
        (LHCB, ["x_cm=nan"], "--condition x_cm: found 'nan', expected a number"),
        (LHCB, ["x_cm=inf"], "expected a number"),
        (LHCB, ["px_gev=6"], "px and py of 6 GeV exceed the momentum of 5 GeV, expected less"),
        (LHCB, ["px_gev=3", "py_gev=-4"], "px and py of 5 GeV exceed the momentum of 5 GeV, expected less"),
        (LHCB, ["pz_gev=7"], "found pz_gev, which follows from the energy, px_gev and py_gev: leave it out"),
        (CALOGAN, ["theta_rad=90"], r"--condition theta_rad: found 90, expected rad, above 0 and below 3\.142"),
        (CALOGAN, ["theta_rad=0"], "--condition theta_rad: found 0, expected rad, above 0"),
        (CALOGAN, ["phi_rad=-1.6"], r"--condition phi_rad: found -1\.6, expected rad, above -1\.571 and below 1\.571"),
        (CALOGAN, ["pz_gev=7"], "found 'pz_gev=7', expected NAME=VALUE with NAME one of: theta_rad"),
        (PHOTON, ["theta_rad=1"], "found 'theta_rad=1', expected NAME=VALUE with NAME one of: none for this detector"),
    ],
)
def test_what_cannot_be_is_refused(detector, conditions, words):
    """Breaks if showers are made of an impossible particle, or of another one than requested."""
    with pytest.raises(ConfigError, match=words) as caught:
        with_conditions(detector, ENERGY, conditions)
    assert "\n" not in str(caught.value)


def arguments(**options) -> argparse.Namespace:
    given = {"batch": 0, "seed": 0, "like": None, "energies": None, "events": None, "condition": [], "threads": 0}
    return argparse.Namespace(keys=[], **given | options)


def test_conditions_hold_for_every_energy():
    """Breaks if attributes are made per energy instead of per shower."""
    energy, particles = requested_particles(
        arguments(energies=[5e3, 2e4], events=3, condition=["px_gev=3", "x_cm=1"]), LHCB
    )
    assert energy.tolist() == [5e3] * 3 + [2e4] * 3
    assert particles.shape == (6, 5)
    np.testing.assert_allclose(np.linalg.norm(particles[:, :3], axis=1), energy / 1e3, rtol=1e-14)
    assert particles[:, 3].tolist() == [1.0] * 6


def test_like_takes_the_particles_of_the_file(cells, store, tmp_path):
    """Breaks if --like takes the energies but not the directions, or lets --condition silently override them."""
    path = store(tmp_path / "a.npz", cells("lhcb", 30))
    energy, particles = requested_particles(arguments(like=str(path)), LHCB)
    np.testing.assert_array_equal(particles[:, :3], cells("lhcb", 30)["ParticleMomentum"])
    np.testing.assert_allclose(np.linalg.norm(particles[:, :3], axis=1), energy / 1e3, rtol=1e-12)
    with pytest.raises(ConfigError, match="--condition goes with --energies, found it with --like: leave it out"):
        requested_particles(arguments(like=str(path), condition=["x_cm=1"]), LHCB)
