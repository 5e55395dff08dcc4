"""The record of a detector: layers, particle, files, and what is known of it elsewhere (no TensorFlow)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from calosim_tf.errors import ConfigError
from calosim_tf.geometry.beams import Beam
from calosim_tf.geometry.layers import CellLayer, VoxelLayer

# Our choice: a quarter of the public pion sample, in its proportions (250 showers at the highest energy)
SIMULATED_EVENTS = 30_000
ORDERS = ("r_fastest", "alpha_fastest")


@dataclass(frozen=True)
class VoxelDetector:
    """A detector whose shower is a vector of voxels, layer after layer.

    Inside a layer of rings r is fastest, inside a layer of cells the columns are.  Everything that other parts of the
    package need to know about a detector is here, so that a new one is one entry.

    Attributes
    ----------
    name : str
        Name used by commands and files (``photon``).
    particle : str
        Incident particle.
    mass_mev : float
        Mass that turns the file's incident energy (a momentum, in data set 1) into kinetic energy, MeV.
    layers : tuple of VoxelLayer or CellLayer
        Layers with at least one voxel, in file order.
    threshold_mev : float
        Voxel threshold of the community's evaluation, MeV.
    file_layout : str
        Word for the reader (:mod:`calosim_tf.data.readers`) and the writer (:mod:`calosim_tf.data.writers`) of its
        files.
    cell_unit_mev, energy_unit_mev : float
        What the number 1 means in its files, of a cell and of an incident energy, MeV.
    file_axes : str
        What the axes of an image count in files that do not say it (LHCb: ``yx``, ``xy``); empty where the layout or
        the showers tell.
    file_keys : tuple of (str, str)
        Datasets that its files call otherwise than the layout: the layout's name and theirs.
    attributes : tuple of str
        What files say of an incident particle besides its energy, with units.
    central : tuple of float
        Attributes of a particle that enters in the middle, perpendicular; NaN for ``pz_gev``, which is the energy then.
    classes : tuple of str
        Attributes that are a class, 0 or 1.
    nominal_energy_mev : float
        Where there are no incident particles of a known energy (jets): what stands in for it everywhere, the same for
        all, MeV.  It is a scale for sums, in no file and no condition.  0 where particles have an energy.
    beam : Beam, optional
        Laws of the incident particles of its data set, where energies are continuous or particles have attributes.
    sample : str
        Monte-Carlo sample of this detector and particle in ``data_prep/samples``; empty where none is bundled.
    simulated_events : int
        Parametrised showers that stand in for missing data.
    pions : str
        What ``data simulate`` calls pions in the voxels of this detector; empty where there are none.
    challenge_set : int
        Data set of the CaloChallenge whose official bins its metrics take; 0 for our own bins.
    narrow_response_from_mev : float
        Incident energy from which the official bins of E_tot/E_inc are the narrow ones, MeV.
    response_ranges : tuple of (int, float, float)
        log2 of an incident energy in MeV, and the range of E_tot/E_inc that shows its whole distribution.
    symmetric_samples : tuple of str
        Labels of the Monte-Carlo samples whose showers are exactly symmetric: particles enter in the middle,
        perpendicular, and nothing in the simulation breaks the symmetry of the voxels.
    provides : tuple of str
        What metrics, plots and checks of single papers need: ``lhcb``, ``calogan``, ``cubes``, ``jets``.
    """

    name: str
    particle: str
    mass_mev: float
    layers: tuple[VoxelLayer, ...] | tuple[CellLayer, ...]
    threshold_mev: float
    file_layout: str = "calochallenge"
    cell_unit_mev: float = 1.0
    energy_unit_mev: float = 1.0
    file_axes: str = ""
    file_keys: tuple[tuple[str, str], ...] = ()
    attributes: tuple[str, ...] = ()
    central: tuple[float, ...] = ()
    classes: tuple[str, ...] = ()
    nominal_energy_mev: float = 0.0
    beam: Beam | None = None
    sample: str = ""
    simulated_events: int = SIMULATED_EVENTS
    pions: str = ""
    challenge_set: int = 0
    narrow_response_from_mev: float = math.inf
    response_ranges: tuple[tuple[int, float, float], ...] = ()
    symmetric_samples: tuple[str, ...] = ()
    provides: tuple[str, ...] = ()

    def __post_init__(self):
        # otherwise a particle without attributes would get those of the middle, or none
        if len(self.central) != len(self.attributes):
            raise ConfigError(
                f"detector {self.name!r}: found {len(self.central)} central values for {len(self.attributes)} "
                "attributes, expected one for each"
            )

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

    @property
    def cube(self) -> tuple[int, ...] | None:
        """Rows, columns and layers where all layers are cut alike, otherwise None."""
        shapes = {layer.shape for layer in self.layers}
        return (*shapes.pop(), len(self.layers)) if len(shapes) == 1 else None

    def central_attributes(self, incident_energy_mev: np.ndarray) -> np.ndarray:
        """Attributes of particles that enter in the middle, perpendicular: shape (n, len(attributes))."""
        energy_gev = np.asarray(incident_energy_mev, dtype=np.float64)[:, None] / 1e3
        return np.where(np.isnan(self.central), energy_gev, self.central).reshape(len(energy_gev), -1)

    def layer_image(self, showers: np.ndarray, layer_id: int) -> np.ndarray:
        """Voxels of one layer as an image.

        Parameters
        ----------
        showers : ndarray, shape (n, n_voxels)
            In file order.
        layer_id : int
            One of ``layer_ids``.

        Returns
        -------
        ndarray, shape ``(n, *layer.shape)``
        """
        layer = self.layers[self.layer_ids.index(layer_id)]
        return showers[:, self.layer_slices[layer_id]].reshape(-1, *layer.shape)

    def reorder_index(self, order: str) -> np.ndarray:
        """Index map of a detector of rings from file order to ``order``: ``showers[:, index]`` is in that order.

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
