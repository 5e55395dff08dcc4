"""Detectors as plain numbers: voxel edges, layer ids and index maps (no TensorFlow).

Lengths are in mm, angles in rad.  The voxel edges of the CaloChallenge data set 1 come from its published binning
files.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from calosim_tf.errors import ConfigError

ORDERS = ("r_fastest", "alpha_fastest")


@dataclass(frozen=True)
class VoxelLayer:
    """One calorimeter layer, cut into rings and angular bins.

    Attributes
    ----------
    layer_id : int
        Number of the layer in the detector (ATLAS sampling number for data set 1).
    r_edges_mm : tuple of float
        Radial bin edges, mm, increasing.
    n_alpha : int
        Number of equal angular bins in [-pi, pi).
    """

    layer_id: int
    r_edges_mm: tuple[float, ...]
    n_alpha: int

    @property
    def n_r(self) -> int:
        return len(self.r_edges_mm) - 1

    @property
    def n_voxels(self) -> int:
        return self.n_r * self.n_alpha

    @cached_property
    def r_mid_mm(self) -> np.ndarray:
        """Centres of the radial bins, shape (n_r,)."""
        edges = np.asarray(self.r_edges_mm, dtype=np.float64)
        return 0.5 * (edges[1:] + edges[:-1])

    @cached_property
    def alpha_edges(self) -> np.ndarray:
        """Edges of the angular bins in rad, shape (n_alpha + 1,)."""
        return np.linspace(-math.pi, math.pi, self.n_alpha + 1)

    @cached_property
    def alpha_mid(self) -> np.ndarray:
        """Centres of the angular bins in rad, shape (n_alpha,)."""
        return 0.5 * (self.alpha_edges[1:] + self.alpha_edges[:-1])


@dataclass(frozen=True)
class VoxelDetector:
    """A detector whose shower is a vector of voxels, layer after layer, r fastest inside a layer.

    Attributes
    ----------
    name : str
        Name used by commands and files (``photon``).
    particle : str
        Incident particle.
    mass_mev : float
        Mass that turns the file's incident energy (a momentum, in data set 1) into kinetic energy, MeV.
    layers : tuple of VoxelLayer
        Layers with at least one voxel, in file order.
    threshold_mev : float
        Voxel threshold of the community's evaluation, MeV.
    """

    name: str
    particle: str
    mass_mev: float
    layers: tuple[VoxelLayer, ...]
    threshold_mev: float

    @property
    def n_voxels(self) -> int:
        return sum(layer.n_voxels for layer in self.layers)

    @property
    def layer_ids(self) -> tuple[int, ...]:
        return tuple(layer.layer_id for layer in self.layers)

    @cached_property
    def offsets(self) -> tuple[int, ...]:
        """First voxel of each layer, and behind the last layer the number of voxels."""
        return (0, *np.cumsum([layer.n_voxels for layer in self.layers]).tolist())

    @cached_property
    def layer_slices(self) -> dict[int, slice]:
        """Layer id -> slice into the voxel vector."""
        pairs = zip(self.offsets[:-1], self.offsets[1:], strict=True)
        return {layer.layer_id: slice(*pair) for layer, pair in zip(self.layers, pairs, strict=True)}

    def layer_image(self, showers: np.ndarray, layer_id: int) -> np.ndarray:
        """Voxels of one layer as a picture.

        Parameters
        ----------
        showers : ndarray, shape (n, n_voxels)
            In file order (r fastest).
        layer_id : int
            One of ``layer_ids``.

        Returns
        -------
        ndarray, shape (n, n_alpha, n_r)
        """
        layer = self.layers[self.layer_ids.index(layer_id)]
        return showers[:, self.layer_slices[layer_id]].reshape(-1, layer.n_alpha, layer.n_r)

    def reorder_index(self, order: str) -> np.ndarray:
        """Index map from file order to ``order``: ``showers[:, index]`` has the voxels in that order.

        ``r_fastest`` (public files) is the identity.  ``alpha_fastest`` is the loop of the ATLAS C++ code: r outside,
        angle inside.
        """
        if order not in ORDERS:
            raise ConfigError(f"voxel order {order!r} is unknown: use one of {', '.join(ORDERS)}")
        index = np.arange(self.n_voxels)
        if order == "r_fastest":
            return index
        return np.concatenate(
            [
                index[self.layer_slices[layer.layer_id]].reshape(layer.n_alpha, layer.n_r).T.ravel()
                for layer in self.layers
            ]
        )


def _layers(*rows: tuple[int, int, Sequence[float]]) -> tuple[VoxelLayer, ...]:
    return tuple(VoxelLayer(layer_id, tuple(float(r) for r in edges), n_alpha) for layer_id, n_alpha, edges in rows)


# CaloChallenge data set 1, 0.20 < |eta| < 0.25: published binning file of the photon set.
PHOTON = VoxelDetector(
    name="photon",
    particle="gamma",
    mass_mev=0.0,
    layers=_layers(
        (0, 1, (0, 5, 10, 30, 50, 100, 200, 400, 600)),
        (1, 10, (0, 2, 4, 6, 8, 10, 12, 15, 20, 30, 40, 50, 70, 90, 120, 150, 200)),
        (2, 10, (0, 2, 5, 10, 15, 20, 25, 30, 40, 50, 60, 80, 100, 130, 160, 200, 250, 300, 350, 400)),
        (3, 1, (0, 50, 100, 200, 400, 600)),
        (12, 1, (0, 100, 200, 400, 1000, 2000)),
    ),
    threshold_mev=1.0,
)

# The same calorimeter in front of its hadronic part (layers 12, 13, 14): published binning file of the pion set.
PION = VoxelDetector(
    name="pion",
    particle="pi+",
    mass_mev=139.6,
    layers=_layers(
        (0, 1, (0, 5, 10, 30, 50, 100, 200, 400, 600)),
        (1, 10, (0, 1, 4, 7, 10, 15, 30, 50, 90, 150, 200)),
        (2, 10, (0, 5, 10, 20, 30, 50, 80, 130, 200, 300, 400)),
        (3, 1, (0, 50, 100, 200, 400, 600)),
        (12, 10, (0, 10, 20, 30, 50, 80, 100, 130, 160, 200, 250, 300, 350, 400, 1000, 2000)),
        (13, 10, (0, 10, 20, 30, 50, 80, 100, 130, 160, 200, 250, 300, 350, 400, 600, 1000, 2000)),
        (14, 1, (0, 50, 100, 150, 200, 250, 300, 400, 600, 1000, 2000)),
    ),
    threshold_mev=1.0,
)


def _regular_cylinder(name: str, n_alpha: int, n_r: int, ring_mm: float) -> VoxelDetector:
    """45 equal layers of equal rings, electrons: the detector of CaloChallenge data sets 2 and 3."""
    edges = [ring_mm * i for i in range(n_r + 1)]
    return VoxelDetector(
        name=name,
        particle="e-",
        mass_mev=0.511,
        layers=_layers(*((layer_id, n_alpha, edges) for layer_id in range(45))),
        # 0.5 keV in the active material over the sampling fraction 0.033 (evaluation of the CaloChallenge)
        threshold_mev=0.5e-3 / 0.033,
    )


# CaloChallenge data sets 2 and 3: published binning files.
DATASET_2 = _regular_cylinder("dataset_2", n_alpha=16, n_r=9, ring_mm=4.65)
DATASET_3 = _regular_cylinder("dataset_3", n_alpha=50, n_r=18, ring_mm=2.325)

DETECTORS = {detector.name: detector for detector in (PHOTON, PION, DATASET_2, DATASET_3)}


def get_detector(name: str) -> VoxelDetector:
    """Detector of that name; :class:`ConfigError` names the known ones."""
    try:
        return DETECTORS[name]
    except KeyError:
        raise ConfigError(f"detector {name!r} is unknown: use one of {', '.join(DETECTORS)}") from None
