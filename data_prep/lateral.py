"""Lateral spread of showers, integrated over rings and angular bins in closed form (no TensorFlow).

A component has the radial density of hep-ex/0001020 (G. Grindhammer, S. Peters), f(r) dr = 2 r R^2 / (r^2 + R^2)^2 dr,
which in the plane is the density R^2 / (pi (|x|^2 + R^2)^2).  When its centre is a distance d off the axis, a component

* has the share (1 + (r^2 - d^2 - R^2) / sqrt(S^2 - 4 r^2 d^2)) / 2 inside the circle of radius r about the axis, with
  S = r^2 + d^2 + R^2,
* is distributed on that circle as 1 / (1 - a cos phi)^2, a = 2 r d / S, with phi from the direction of the centre.

The published profile is the average over many showers.  In one shower few particles carry the energy, so that it lies
to one side: our own addition for this is a component that keeps its radii about the axis and is distributed in angle as
if its centre were off it.  For small d that moves its mean position by d.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from calosim_tf.data_prep.stacks import Stack
from calosim_tf.geometry import VoxelDetector, VoxelLayer


@dataclass(frozen=True, eq=False)
class Component:
    """A part of n showers with one radius per slice and one centre per layer.

    Attributes
    ----------
    energy_mev : ndarray, shape (n, n_slices)
    radius_mm : ndarray, shape (n, n_slices)
        Radius R that holds half of the energy.
    centre_mm : ndarray, shape (2, n, n_layers), optional
        Point d of each layer, in mm along the angles 0 and pi/2; the axis if not given.
    moved : bool
        Whether the component is moved to its centre as a whole, or keeps its radii about the axis.
    """

    energy_mev: np.ndarray
    radius_mm: np.ndarray
    centre_mm: np.ndarray | None = None
    moved: bool = False


def share_within(r_mm: np.ndarray, radius_mm: np.ndarray, distance_mm: np.ndarray | None = None) -> np.ndarray:
    """Share of a component inside the circle of radius ``r_mm`` about the axis.

    Parameters
    ----------
    r_mm, radius_mm, distance_mm : ndarray
        Radius of the circle, half-energy radius R > 0 and distance of the component from the axis (0 if not given),
        mm; broadcast.
    """
    r2, radius2 = np.square(r_mm), np.square(radius_mm)
    if distance_mm is None:
        return r2 / (r2 + radius2)
    beyond = r2 - np.square(distance_mm) - radius2
    # the root is that of (r^2 + d^2 + R^2)^2 - 4 r^2 d^2, as a sum of squares that cannot become negative
    return 0.5 * (1 + beyond / np.sqrt(beyond**2 + 4 * r2 * radius2))


def angular_shares(r_mm: np.ndarray, radius_mm: np.ndarray, centre_mm: np.ndarray, n_alpha: int) -> np.ndarray:
    """Shares of the angular bins on circles of radius ``r_mm``.

    Parameters
    ----------
    r_mm : ndarray, shape (n_r,)
    radius_mm : ndarray, shape (n,)
        Half-energy radius of the component.
    centre_mm : ndarray, shape (2, n)
        Its centre.
    n_alpha : int
        Equal bins of [-pi, pi).

    Returns
    -------
    ndarray, shape (n, n_alpha, n_r); sums over the bins are 1.
    """
    distance = np.hypot(*centre_mm)[:, None, None]
    a = 2 * r_mm * distance / (r_mm**2 + distance**2 + radius_mm[:, None, None] ** 2)  # (n, 1, n_r), below 1
    # (n, n_alpha + 1, 1), from the direction of the centre
    phi = np.linspace(-np.pi, np.pi, n_alpha + 1)[:, None] - np.arctan2(*centre_mm[::-1])[:, None, None]
    # integral of the density from 0 to phi; arctan2 keeps it continuous for |phi| < 2 pi
    arc = 2 * np.arctan2(np.sqrt(1 + a) * np.sin(phi / 2), np.sqrt(1 - a) * np.cos(phi / 2))
    bump = a * np.sqrt(1 - a**2) * np.sin(phi) / (1 - a * np.cos(phi))
    return np.diff(arc + bump, axis=1) / (2 * np.pi)


def mean_radius_mm(component: Component, inside: slice) -> np.ndarray:
    """Energy-weighted radius over the slices ``inside``: shape (n,), mm; 1 where there is no energy."""
    energy = component.energy_mev[:, inside]
    total = energy.sum(axis=1)
    weighted = np.einsum("ns,ns->n", energy, component.radius_mm[:, inside])
    return np.divide(weighted, total, out=np.ones_like(total), where=total > 0)


def expected_voxels_mev(stack: Stack, detector: VoxelDetector, components: Sequence[Component]) -> np.ndarray:
    """Mean energy of each voxel: shape (n, n_voxels), MeV, file order.

    Rings are integrated exactly; the angular shares of a ring are those on the circle in its middle, for the mean
    radius of the component in the layer.
    """
    expected = np.zeros((len(components[0].energy_mev), detector.n_voxels))
    for position, layer in enumerate(detector.layers):
        voxels = detector.layer_image(expected, layer.layer_id)
        for component in components:
            voxels += _layer_mev(component, stack, position, layer)
        expected[:, detector.layer_slices[layer.layer_id]] = voxels.reshape(-1, layer.n_voxels)
    return expected


def _layer_mev(component: Component, stack: Stack, position: int, layer: VoxelLayer) -> np.ndarray:
    """One component in one layer: broadcasts to (n, n_alpha, n_r)."""
    inside = stack.slices_of(position)
    centre = None if component.centre_mm is None else component.centre_mm[:, :, position]
    distance = np.hypot(*centre)[:, None, None] if component.moved else None
    radius = component.radius_mm[:, inside, None]
    shares = share_within(np.asarray(layer.r_edges_mm), radius, distance)  # (n, slices, n_r + 1)
    rings = np.diff(np.einsum("ns,nsr->nr", component.energy_mev[:, inside], shares), axis=1)[:, None, :]
    # rounding must not leave a ring below 0
    rings = np.maximum(rings, 0.0)
    if centre is None or layer.n_alpha == 1:
        return rings / layer.n_alpha
    return rings * angular_shares(layer.r_mid_mm, mean_radius_mm(component, inside), centre, layer.n_alpha)


def clump_centres_mm(component: Component, stack: Stack, clump_mev: float, rng: np.random.Generator) -> np.ndarray:
    """Draw where the centre of a component lies in each layer when its energy comes in independent clumps.

    The mean position of N clumps that are each about R off the axis is R / sqrt(N) off, in each direction.

    Parameters
    ----------
    component : Component
    stack : Stack
    clump_mev : float
        Mean energy of a clump.

    Returns
    -------
    ndarray, shape (2, n, n_layers), mm
    """
    n_layers = len(stack.layer_ids)
    centre = rng.standard_normal((2, len(component.energy_mev), n_layers))
    for position in range(n_layers):
        inside = stack.slices_of(position)
        clumps = component.energy_mev[:, inside].sum(axis=1) / clump_mev
        # fewer than one clump is one clump
        centre[:, :, position] *= mean_radius_mm(component, inside) / np.sqrt(np.maximum(clumps, 1.0))
    return centre
