"""Showers in rectangular cells: spots of energy sampled about inclined axes and summed in the cells (no TensorFlow).

The radial density of hep-ex/0001020, R^2 / (pi (|x|^2 + R^2)^2) in the plane (:mod:`lateral`), is a bivariate Student
distribution of two degrees of freedom: a point of it is R g / sqrt(2 e), with two normal numbers g and an exponential
one e.  So a spot costs a few random numbers, and the work grows with the energy instead of with the number of cells.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from calosim_tf.data_prep.lateral import Component
from calosim_tf.data_prep.stacks import Stack
from calosim_tf.geometry import CellLayer, VoxelDetector

# Keeps the radius of a spot finite.
MIN_EXPONENTIAL = np.float32(1e-12)
AXIS_NAMES = "xy"
# Mean of Moyal's law: Euler's constant plus ln 2
MOYAL_MEAN = np.euler_gamma + math.log(2)
# Showers at a time: their spots fit in the cache of a processor, which halves the time; part of what a seed means.
CHUNK_SHOWERS = 64


@dataclass(frozen=True, eq=False)
class Axes:
    """Straight lines along which n showers develop.

    Attributes
    ----------
    point_mm : ndarray, shape (2, n)
        x and y at the front of the stack.
    slope : ndarray, shape (2, n)
        dx/dz and dy/dz.
    """

    point_mm: np.ndarray
    slope: np.ndarray

    @property
    def stretch(self) -> np.ndarray:
        """Path per depth, 1 / cos of the angle of incidence: shape (n,)."""
        return np.sqrt(1 + np.square(self.slope).sum(axis=0))


@dataclass(frozen=True)
class Readout:
    """How the cells read out the energy deposited in them.

    Attributes
    ----------
    spot_mev : float
        Mean energy of a spot, before ``fraction``; the variance of a sum is twice that, times the energy.
    fraction : float
        Visible share: sampling fraction where only the active plates count.
    radius_scale : float
        Factor on the published radii.
    spread : float
        Far spots are more numerous and weaker than near ones: sampled at this many times the radius, and weighted for
        it.
    conserved : bool
        All energy is counted: the spots of a shower add up to what it leaves in the stack, not only on average.
    track_width : float
        Where each spot is one charged particle that passes a thin plate: scale over mode of its Moyal law, which has a
        sharp lower edge and a long tail; 0 for spots of exponential energy.
    """

    spot_mev: float
    fraction: float = 1.0
    radius_scale: float = 1.0
    spread: float = 1.0
    conserved: bool = False
    track_width: float = 0.0

    def spots_mev(self, n: int, rng: np.random.Generator) -> np.ndarray:
        """Energies of n spots before ``fraction``, float32: exponential, or those of single tracks."""
        if self.track_width == 0.0:
            return rng.standard_exponential(n, np.float32) * np.float32(self.spot_mev)
        # minus the logarithm of the square of a normal number has Moyal's law, close to Landau's
        moyal = -np.log(np.maximum(np.square(rng.standard_normal(n, np.float32)), MIN_EXPONENTIAL))
        scale = self.spot_mev / (1.0 + MOYAL_MEAN * self.track_width)
        return np.float32(scale) * (1 + np.float32(self.track_width) * moyal)


def cell_showers_mev(
    components: Sequence[Component],
    axes: Axes,
    stack: Stack,
    detector: VoxelDetector,
    readout: Readout,
    rng: np.random.Generator,
) -> np.ndarray:
    """Energies of the cells: shape (n, n_voxels), MeV, float32.

    A Poisson number of spots of exponential energy comes from each slice of each component.  A spot lies at a uniform
    depth of its slice, about the axis at that depth plus the centre of its component.  What falls outside the cells is
    lost.  Distances are taken across the plates and not across the axis, which is right for small angles.

    Parameters
    ----------
    components : sequence of Component
        Parts of n showers.
    axes : Axes
    stack : Stack
        Its layers are those of ``detector``.
    detector : VoxelDetector
        With layers of cells.
    readout : Readout
    rng : numpy Generator
    """
    showers = np.empty((len(components[0].energy_mev), detector.n_voxels), dtype=np.float32)
    for start in range(0, len(showers), CHUNK_SHOWERS):
        rows = slice(start, start + CHUNK_SHOWERS)
        parts = [_rows(component, rows) for component in components]
        some = Axes(axes.point_mm[:, rows], axes.slope[:, rows])
        _throw(showers[rows], parts, some, stack, detector, readout, rng)
    return showers


def _rows(component: Component, rows: slice) -> Component:
    centre_mm = None if component.centre_mm is None else component.centre_mm[:, rows]
    return replace(
        component, energy_mev=component.energy_mev[rows], radius_mm=component.radius_mm[rows], centre_mm=centre_mm
    )


def _throw(
    showers: np.ndarray,
    components: Sequence[Component],
    axes: Axes,
    stack: Stack,
    detector: VoxelDetector,
    readout: Readout,
    rng: np.random.Generator,
) -> None:
    """Fill the rows of ``showers``."""
    n = len(showers)
    thrown_mev = np.zeros(n)
    for position, layer in enumerate(detector.layers):
        # the last number of a shower is what falls outside the cells
        energy = np.zeros(n * (layer.n_voxels + 1))
        for component in components:
            index, spots_mev = _spots(component, axes, stack, position, layer, readout, rng)
            energy += np.bincount(index, spots_mev, minlength=len(energy))
        energy = energy.reshape(n, -1)
        thrown_mev += energy.sum(axis=1)
        showers[:, detector.layer_slices[layer.layer_id]] = energy[:, :-1]
    if readout.conserved:
        left_mev = sum(component.energy_mev.sum(axis=1) for component in components)
        showers *= np.divide(left_mev, thrown_mev, out=np.zeros(n), where=thrown_mev > 0)[:, None].astype(np.float32)
    showers *= np.float32(readout.fraction)


def _spots(
    component: Component,
    axes: Axes,
    stack: Stack,
    position: int,
    layer: CellLayer,
    readout: Readout,
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray]:
    """Spots of one component in one layer: cell of n (n_voxels + 1), and energy."""
    inside = stack.slices_of(position)
    counts = rng.poisson(component.energy_mev[:, inside] / readout.spot_mev).ravel()
    total = int(counts.sum())
    edges = stack.edges_mm[inside.start : inside.stop + 1]
    n, n_slices = len(component.energy_mev), inside.stop - inside.start
    # (n, n_slices) each, one value per spot
    scale = readout.spread * readout.radius_scale
    radius = np.repeat((scale * component.radius_mm[:, inside]).astype(np.float32).ravel(), counts)
    double_exponential = 2 * np.maximum(rng.standard_exponential(total, np.float32), MIN_EXPONENTIAL)
    radius /= np.sqrt(double_exponential)
    depth = rng.random(total, np.float32) * np.repeat(np.tile(np.diff(edges).astype(np.float32), n), counts)
    index = np.repeat(np.repeat(np.arange(n) * (layer.n_voxels + 1), n_slices), counts)
    sizes = {layer.row_axis: (layer.n_rows, layer.row_mm), layer.column_axis: (layer.n_columns, layer.column_mm)}
    normal = rng.standard_normal((2, total), np.float32)
    places, beside = {}, np.zeros(total, dtype=bool)
    for axis, name in enumerate(AXIS_NAMES):
        n_cells, size_mm = sizes[name]
        front = axes.point_mm[axis][:, None] + axes.slope[axis][:, None] * edges[:-1]
        if component.centre_mm is not None:
            front = front + component.centre_mm[axis][:, [position]]
        # in cells from the first edge
        place = radius * normal[axis]
        place += np.repeat(front.astype(np.float32).ravel(), counts)
        place += depth * np.repeat(np.repeat(axes.slope[axis].astype(np.float32), n_slices), counts)
        place = np.floor(place / np.float32(size_mm) + np.float32(n_cells / 2))
        beside |= (place < 0) | (place >= n_cells)
        places[name] = place
    cell = places[layer.row_axis] * layer.n_columns + places[layer.column_axis]
    index += np.where(beside, layer.n_voxels, cell).astype(np.int64)
    spots_mev = readout.spots_mev(total, rng)
    if readout.spread != 1:
        # ratio of the densities of radius R and spread R at this distance
        square = np.square(normal).sum(axis=0) / double_exponential
        ratio = (square + 1) / (readout.spread * square + 1 / readout.spread)
        spots_mev *= np.square(ratio.astype(np.float32))
    return index, spots_mev
