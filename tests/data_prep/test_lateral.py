"""Closed integrals of the lateral density against numerical integration."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy.integrate import dblquad, quad

from calosim_tf.data_prep.lateral import (
    Component,
    angular_shares,
    clump_centres_mm,
    expected_voxels_mev,
    share_within,
)
from calosim_tf.data_prep.media import LEAD_ARGON
from calosim_tf.data_prep.stacks import PHOTON_STACK
from calosim_tf.geometry import PHOTON


def density(x, y, radius, centre):
    """Published radial density over 2 pi r, about ``centre``."""
    return radius**2 / (np.pi * ((x - centre[0]) ** 2 + (y - centre[1]) ** 2 + radius**2) ** 2)


@pytest.mark.parametrize("r_mm", [1.0, 7.0, 300.0])
def test_share_within_is_the_integral_of_the_profile(r_mm):
    """Breaks if the normalisation or the power of the profile 2 r R^2 / (r^2 + R^2)^2 changes."""
    expected, _ = quad(lambda r: 2 * r * 49.0 / (r**2 + 49.0) ** 2, 0, r_mm)
    assert share_within(np.array(r_mm), np.array(7.0)) == pytest.approx(expected, rel=1e-9)


def test_whole_plane_holds_everything():
    """Breaks if a component is not normalised, centred or moved."""
    far = np.array(1e7)
    assert share_within(far, np.array(5.0)) == pytest.approx(1, abs=1e-9)
    assert share_within(far, np.array(5.0), np.array(30.0)) == pytest.approx(1, abs=1e-9)


@pytest.mark.parametrize("distance_mm", [0.0, 3.0, 40.0])
def test_moved_share_against_integration_over_the_plane(distance_mm):
    """Breaks if the closed form for a component off the axis is wrong."""
    expected, _ = dblquad(
        lambda phi, r: r * density(r * np.cos(phi), r * np.sin(phi), 8.0, (distance_mm, 0.0)), 0, 20, -np.pi, np.pi
    )
    share = share_within(np.array(20.0), np.array(8.0), np.array(distance_mm))
    assert share == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("centre_mm", [(4.0, 1.0), (-9.0, 0.1), (0.5, -30.0)])
def test_angular_shares_against_integration(centre_mm):
    """Breaks if a bin is shifted, a branch of the arc tangent is wrong, or the density is."""
    shares = angular_shares(np.array([6.0, 25.0]), np.array([5.0]), np.array(centre_mm)[:, None], 10)
    assert shares.shape == (1, 10, 2)
    np.testing.assert_allclose(shares.sum(axis=1), 1, rtol=1e-12)
    edges = np.linspace(-np.pi, np.pi, 11)
    for ring, r in enumerate((6.0, 25.0)):
        integrals = np.array(
            [
                quad(lambda phi, r=r: density(r * np.cos(phi), r * np.sin(phi), 5.0, centre_mm), low, high)[0]
                for low, high in itertools.pairwise(edges)
            ]
        )
        np.testing.assert_allclose(shares[0, :, ring], integrals / integrals.sum(), rtol=1e-6)


def one_layer(energy_mev, radius_mm, layer, **options):
    """A component that leaves all its energy in one slice of a layer of the photon stack."""
    n_slices = len(PHOTON_STACK.layer_index)
    energy = np.zeros((1, n_slices))
    energy[0, PHOTON_STACK.slices_of(layer).start] = energy_mev
    return Component(energy, np.full((1, n_slices), radius_mm), **options)


def test_rings_and_angles_of_a_centred_component():
    """Breaks if energy goes to another layer or ring, or is not even in angle."""
    voxels = expected_voxels_mev(PHOTON_STACK, PHOTON, [one_layer(1000.0, 10.0, 1)])
    image = PHOTON.layer_image(voxels, 1)[0]
    # second ring, 2 to 4 mm: 16/116 - 4/104
    np.testing.assert_allclose(image[:, 1], 100 * (16 / 116 - 4 / 104))
    # outside 200 mm nothing is read
    assert voxels.sum() == pytest.approx(image.sum())
    assert image.sum() == pytest.approx(1000 * 200**2 / (200**2 + 100))


def test_moved_component_lies_at_its_centre():
    """Breaks if x and y are swapped, a sign is lost, or radii stay about the axis."""
    centre = np.zeros((2, 1, 5))
    centre[1, 0, 2] = 45.0
    voxels = expected_voxels_mev(PHOTON_STACK, PHOTON, [one_layer(1.0, 2.0, 2, centre_mm=centre, moved=True)])
    image = PHOTON.layer_image(voxels, 2)[0]
    layer = PHOTON.layers[2]
    alpha, ring = np.unravel_index(np.argmax(image), image.shape)
    assert layer.r_edges_mm[ring] <= 45 <= layer.r_edges_mm[ring + 1]
    assert layer.alpha_edges[alpha] <= np.pi / 2 <= layer.alpha_edges[alpha + 1]


def test_component_in_clumps_keeps_its_radii():
    """Breaks if the angular asymmetry changes the published radial profile."""
    centre = np.full((2, 1, 5), 8.0)
    lopsided = expected_voxels_mev(PHOTON_STACK, PHOTON, [one_layer(1.0, 10.0, 2, centre_mm=centre)])
    even = expected_voxels_mev(PHOTON_STACK, PHOTON, [one_layer(1.0, 10.0, 2)])
    rings = [PHOTON.layer_image(voxels, 2)[0].sum(axis=0) for voxels in (lopsided, even)]
    np.testing.assert_allclose(*rings, rtol=1e-12)
    assert PHOTON.layer_image(lopsided, 2)[0].max() > 2 * PHOTON.layer_image(even, 2)[0].max()


def test_centre_spreads_as_one_over_root_of_clumps(rng):
    """Breaks if the spread of the centre does not fall with energy, or grows without bound below one clump."""
    n_slices = len(PHOTON_STACK.layer_index)
    spread = []
    for clumps in (0.1, 1, 100):
        energy = np.full((4000, n_slices), 0.0)
        energy[:, PHOTON_STACK.slices_of(2).start] = 45.0 * clumps
        component = Component(energy, np.full_like(energy, LEAD_ARGON.moliere_mm))
        spread.append(clump_centres_mm(component, PHOTON_STACK, 45.0, rng)[:, :, 2].std() / LEAD_ARGON.moliere_mm)
    np.testing.assert_allclose(spread, [1, 1, 0.1], rtol=0.05)
