"""A measured set of showers: what observables, distances and metrics are computed from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from calosim_tf.data.schema import ShowerSet, holdout_rows
from calosim_tf.physics.observables.bootstrap import BOOTSTRAP_RESAMPLES, bootstrap_rng
from calosim_tf.physics.observables.energies import EnergyGroups
from calosim_tf.physics.observables.features import (
    ShowerFeatures,
    mean_shower_mev,
    response,
    shower_features,
)
from calosim_tf.physics.observables.voxel_spectra import voxel_spectra

# Our choice: enough groups of showers for an error of the error below 10 %.
SPECTRUM_GROUPS = 64
# Numbers of resamples drawn together, 8 MB
DRAWN_NUMBERS = 1_000_000


@dataclass(frozen=True)
class Spread:
    """Standard deviation and half of the central 68 % interval, each with its bootstrap error."""

    sigma: float
    sigma_error: float
    sigma68: float
    sigma68_error: float


@dataclass(frozen=True, eq=False)
class Sample:
    """Showers, their features, and which of them are selected.

    Attributes
    ----------
    showers : ShowerSet
    features : ShowerFeatures
        Of all showers of the set.
    groups : EnergyGroups
    rows : ndarray of int, shape (n,)
        The showers that belong to this sample.
    whole : dict
        What was computed once from all showers of the set, whatever part of it is selected (a trained network).
    """

    showers: ShowerSet
    features: ShowerFeatures
    groups: EnergyGroups
    rows: np.ndarray
    whole: dict[Any, Any] = field(default_factory=dict, repr=False)
    _spectra: dict[bytes, np.ndarray] = field(default_factory=dict, repr=False)

    @classmethod
    def measure(cls, showers: ShowerSet, groups: EnergyGroups) -> Sample:
        """Compute the features of all showers; see :func:`shower_features` for the errors."""
        return cls(showers, shower_features(showers), groups, np.arange(len(showers)))

    def __len__(self) -> int:
        return len(self.rows)

    def take(self, places: np.ndarray) -> Sample:
        """Part of this sample; ``places`` index ``rows``."""
        return Sample(self.showers, self.features, self.groups, self.rows[places], self.whole)

    def at_most(self, count: int) -> Sample:
        """At most ``count`` showers, evenly over the incident energies: the sample itself if it has no more."""
        if len(self) <= count:
            return self
        return self.take(np.flatnonzero(holdout_rows(self.incident_mev, count / len(self))))

    def voxels_mev(self, layer: slice = slice(None)) -> np.ndarray:
        """Voxels of the sample's showers, or of a slice of the voxel vector: shape (n, voxels), in memory."""
        return self.showers.showers_mev[self.rows][:, layer]

    @cached_property
    def group_places(self) -> list[np.ndarray]:
        """Places in ``rows`` of the showers of each energy."""
        return self.groups.rows(self.showers.incident_energy_mev[self.rows], self.showers.source)

    @cached_property
    def by_energy(self) -> list[Sample]:
        """One sample per incident energy."""
        return [self.take(places) for places in self.group_places]

    @cached_property
    def incident_mev(self) -> np.ndarray:
        return np.asarray(self.showers.incident_energy_mev[self.rows], dtype=np.float64)

    @cached_property
    def total_mev(self) -> np.ndarray:
        return self.features.total_mev[self.rows]

    @cached_property
    def response(self) -> np.ndarray:
        """E_tot/E_inc, no threshold."""
        return response(self.total_mev, self.incident_mev)

    @cached_property
    def spread(self) -> Spread:
        """Widths of the response with bootstrap errors, drawn once for all metrics that use them."""
        rng = bootstrap_rng(len(self))
        at_a_time = max(1, DRAWN_NUMBERS // max(1, len(self)))
        draws = []
        for start in range(0, BOOTSTRAP_RESAMPLES, at_a_time):
            count = min(at_a_time, BOOTSTRAP_RESAMPLES - start)
            draws.append(_widths(rng.choice(self.response, (count, len(self)))))
        sigma, sigma68 = (float(width) for width in _widths(self.response))
        errors = np.concatenate(draws, axis=1).std(axis=1)
        return Spread(sigma, float(errors[0]), sigma68, float(errors[1]))

    def layers_with(self, quantity: str) -> tuple[int, ...]:
        """Ids of the layers that have ``quantity`` (a key of ``ShowerFeatures.per_layer``)."""
        return tuple(self.features.per_layer.get(quantity, ()))

    def layer(self, quantity: str, layer_id: int) -> np.ndarray:
        """Values of one layer, shape (n,)."""
        return self.features.per_layer[quantity][layer_id][self.rows]

    def spectrum(self, edges_mev: np.ndarray) -> np.ndarray:
        """Voxel spectrum in groups of showers, shape (64, b); kept, because a reference is compared several times."""
        self.fill_spectra([(self, edges_mev)])
        return self._spectra[edges_mev.tobytes()]

    @staticmethod
    def fill_spectra(wanted: Sequence[tuple[Sample, np.ndarray]]) -> None:
        """Compute spectra that will be requested, in one pass over each set of showers."""
        of_sets: dict[int, list[tuple[Sample, np.ndarray]]] = {}
        for sample, edges in {(id(one), edges.tobytes()): (one, edges) for one, edges in wanted}.values():
            if edges.tobytes() not in sample._spectra:
                of_sets.setdefault(id(sample.showers), []).append((sample, edges))
        for missing in of_sets.values():
            showers = missing[0][0].showers.showers_mev
            found = voxel_spectra(showers, [(sample.rows, edges) for sample, edges in missing], SPECTRUM_GROUPS)
            for (sample, edges), spectrum in zip(missing, found, strict=True):
                sample._spectra[edges.tobytes()] = spectrum

    @cached_property
    def mean_shower(self) -> np.ndarray:
        """Mean energy per voxel, no threshold, shape (n_voxels,), MeV."""
        return mean_shower_mev(self.showers.showers_mev, self.rows)


def _widths(values: np.ndarray) -> np.ndarray:
    """Standard deviation and half of the central 68 % along the last axis: shape (2, ...)."""
    low, high = np.percentile(values, (16, 84), axis=-1)
    return np.stack([values.std(axis=-1), (high - low) / 2])
