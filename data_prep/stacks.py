"""Calorimeters in depth: which layer reads what, in radiation lengths, interaction lengths and mm (no TensorFlow)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from calosim_tf.data_prep.media import (
    DEAD_ALUMINIUM,
    IRON_SCINTILLATOR,
    LEAD_ARGON,
    LEAD_SCINTILLATOR,
    TUNGSTEN_SILICON,
    Medium,
)

# Radial parameters are taken in the middle of a slice, so slices are thin against the changes of a shower.
MAX_SLICE_X0 = 1.5
MAX_SLICE_LAMBDA = 0.3
NOT_READ = -1


@dataclass(frozen=True)
class Section:
    """A length of one medium.

    Attributes
    ----------
    layer_id : int or None
        Layer of the detector that reads it; None for dead material.
    medium : Medium
    length_mm : float
    """

    layer_id: int | None
    medium: Medium
    length_mm: float

    def n_slices(self) -> int:
        """Dead material and tile-like sections are cut by interaction lengths, electromagnetic ones by X0."""
        if self.layer_id is None:
            return 1
        # In a medium that is long in X0 for its interaction length, only hadronic showers are left to follow.
        by_lambda = self.length_mm / self.medium.lambda_mm / MAX_SLICE_LAMBDA
        by_x0 = self.length_mm / self.medium.x0_mm / MAX_SLICE_X0
        return max(1, math.ceil(by_x0 if self.medium.electromagnetic else by_lambda))


class Stack:
    """Sections one behind another, cut into slices; the particle comes along the axis.

    Parameters
    ----------
    sections : sequence of Section
        From the front.
    shower_medium : Medium
        Whose constants shape electromagnetic showers; depths are counted in the X0 of each section.

    Attributes
    ----------
    layer_ids : tuple of int
        Layers that are read, in order of depth.
    layer_index : ndarray of int, shape (n_slices,)
        Position in ``layer_ids``, or -1 for a slice of dead material.
    edges_x0, edges_lambda, edges_mm : ndarray, shape (n_slices + 1,)
        Depth of the slice borders in radiation lengths, interaction lengths and mm.
    ionisation_mev : ndarray, shape (n_slices + 1,)
        What a minimum-ionising particle has lost up to each border.
    moliere_mm, lambda_mm : ndarray, shape (n_slices,)
        Of the slice's medium.
    """

    def __init__(self, sections: Sequence[Section], shower_medium: Medium):
        self.sections = tuple(sections)
        self.shower_medium = shower_medium
        self.layer_ids = tuple(section.layer_id for section in sections if section.layer_id is not None)
        slices = [section for section in sections for _ in range(section.n_slices())]
        length_mm = np.array([section.length_mm / section.n_slices() for section in slices])
        self.layer_index = np.array(
            [NOT_READ if s.layer_id is None else self.layer_ids.index(s.layer_id) for s in slices]
        )
        self.edges_mm = _edges(length_mm)
        self.edges_x0 = _edges(length_mm / [s.medium.x0_mm for s in slices])
        self.edges_lambda = _edges(length_mm / [s.medium.lambda_mm for s in slices])
        self.ionisation_mev = _edges(length_mm * [s.medium.loss_mev_per_mm for s in slices])
        self.moliere_mm = np.array([s.medium.moliere_mm for s in slices])
        self.lambda_mm = np.array([s.medium.lambda_mm for s in slices])

    @cached_property
    def front_x0(self) -> float:
        """Radiation lengths of dead material before the first slice that is read."""
        return float(self.edges_x0[np.argmax(self.layer_index != NOT_READ)])

    @cached_property
    def mid_x0(self) -> np.ndarray:
        """Middle of each slice in radiation lengths, shape (n_slices,)."""
        return 0.5 * (self.edges_x0[1:] + self.edges_x0[:-1])

    @cached_property
    def mid_lambda(self) -> np.ndarray:
        """Middle of each slice in interaction lengths, shape (n_slices,)."""
        return 0.5 * (self.edges_lambda[1:] + self.edges_lambda[:-1])

    @cached_property
    def layer_mid_mm(self) -> np.ndarray:
        """Middle of each layer in mm, shape (n_layers,)."""
        return self._layer_middles(self.edges_mm)

    @cached_property
    def layer_mid_x0(self) -> np.ndarray:
        """Middle of each layer in radiation lengths, shape (n_layers,)."""
        return self._layer_middles(self.edges_x0)

    def _layer_middles(self, edges: np.ndarray) -> np.ndarray:
        slices = [self.slices_of(layer) for layer in range(len(self.layer_ids))]
        return np.array([0.5 * (edges[inside.start] + edges[inside.stop]) for inside in slices])

    def slices_of(self, layer: int) -> slice:
        """Slices of the layer at position ``layer`` of ``layer_ids``; a layer is one piece."""
        inside = np.flatnonzero(self.layer_index == layer)
        return slice(int(inside[0]), int(inside[-1]) + 1)


def _edges(lengths: np.ndarray) -> np.ndarray:
    return np.concatenate([[0.0], np.cumsum(lengths)])


# The EGSnrc sample in photon layout: 1.5 X0 of aluminium, then 3, 12, 42, 8 and 12 lead-argon pairs.
FRONT_X0 = 1.5
FRONT = Section(None, DEAD_ALUMINIUM, FRONT_X0 * DEAD_ALUMINIUM.x0_mm)
PAIRS = {0: 3, 1: 12, 2: 42, 3: 8}
ARGON_SECTIONS = tuple(Section(layer, LEAD_ARGON, n * LEAD_ARGON.period_mm) for layer, n in PAIRS.items())

PHOTON_STACK = Stack((FRONT, *ARGON_SECTIONS, Section(12, LEAD_ARGON, 12 * LEAD_ARGON.period_mm)), LEAD_ARGON)

# Behind the same argon calorimeter: a cryostat wall, then three iron-scintillator layers of 1.5, 4.1 and 1.8
# interaction lengths (published for the centre of the ATLAS tile calorimeter, JINST 3 (2008) S08003); the wall of 0.5
# interaction lengths is our choice.
WALL_LAMBDA = 0.5
TILE_LAMBDA = {12: 1.5, 13: 4.1, 14: 1.8}
PION_STACK = Stack(
    (
        FRONT,
        *ARGON_SECTIONS,
        Section(None, DEAD_ALUMINIUM, WALL_LAMBDA * DEAD_ALUMINIUM.lambda_mm),
        *(Section(layer, IRON_SCINTILLATOR, n * IRON_SCINTILLATOR.lambda_mm) for layer, n in TILE_LAMBDA.items()),
    ),
    LEAD_ARGON,
)

# EGSnrc sample in LHCb layout: 66 lead-scintillator pairs, read together.
LHCB_STACK = Stack((Section(0, LEAD_SCINTILLATOR, 66 * LEAD_SCINTILLATOR.period_mm),), LEAD_SCINTILLATOR)

# EGSnrc sample in CaloGAN layout: 80 lead-argon pairs in segments of 90, 347 and 43 mm.
SEGMENTS_MM = (90.0, 347.0, 43.0)
CALOGAN_STACK = Stack([Section(layer, LEAD_ARGON, length) for layer, length in enumerate(SEGMENTS_MM)], LEAD_ARGON)

# EGSnrc sample in 3DGAN layout: 25 layers of tungsten, gap and silicon.
CLIC_STACK = Stack([Section(z, TUNGSTEN_SILICON, TUNGSTEN_SILICON.period_mm) for z in range(25)], TUNGSTEN_SILICON)

# 30 such layers, 24 radiation lengths: our choice, since the public files say nothing of the plates of the ILD.
ILC_STACK = Stack([Section(z, TUNGSTEN_SILICON, TUNGSTEN_SILICON.period_mm) for z in range(30)], TUNGSTEN_SILICON)
