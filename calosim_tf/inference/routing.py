"""Several generators as one, each for its range of incident energy (no TensorFlow)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from calosim_tf.config.energy_range import route
from calosim_tf.errors import DataError
from calosim_tf.inference.sampler import NetworkSampler, ShowerSampler


class RoutedShowerGenerator(ShowerSampler):
    """Several generators, each for its range of incident energy.

    Parameters
    ----------
    members : sequence of (low, high, NetworkSampler)
        Ranges of incident energy, MeV, inclusive at both ends, infinite where open, ascending; the upper one has a
        shared edge (:func:`calosim_tf.config.energy_range.route`).
    """

    def __init__(self, members: Sequence[tuple[float, float, NetworkSampler]]):
        self.members = tuple(members)

    def route(self, incident_energy_mev: np.ndarray) -> np.ndarray:
        """Number of the member that makes each shower, shape (n,).

        Raises
        ------
        DataError
            An energy lies outside of all ranges.
        """
        energy = np.asarray(incident_energy_mev)
        chosen = route([(low, high) for low, high, _ in self.members], energy, np.where)
        if (chosen < 0).any():
            ranges = ", ".join(f"{low:g} to {high:g}" for low, high, _ in self.members)
            raise DataError(
                f"no generator of this split covers an incident energy of {energy[chosen < 0][0]:g} MeV, "
                f"expected {ranges} MeV: leave such energies out"
            )
        return chosen

    def blocks(
        self,
        incident_energy_mev: np.ndarray,
        seed: int,
        batch: int | None = None,
        attributes: np.ndarray | None = None,
    ) -> Iterator[np.ndarray]:
        """As :meth:`ShowerSampler.blocks`; a shower's latent follows from its position among all, whichever network
        makes it."""
        batch = batch or self.default_batch
        self.route(incident_energy_mev)  # refused before the first block is made
        for first in range(0, len(incident_energy_mev), batch):
            energy = incident_energy_mev[first : first + batch]
            more = None if attributes is None else attributes[first : first + batch]
            yield self.at(np.arange(first, first + len(energy)), energy, seed, more)

    def at(
        self, places: np.ndarray, incident_energy_mev: np.ndarray, seed: int, attributes: np.ndarray | None = None
    ) -> np.ndarray:
        """As :meth:`ShowerSampler.at`."""
        number = self.route(incident_energy_mev)
        rows = {item: np.flatnonzero(number == item) for item in np.unique(number)}
        made = []
        for item, own in rows.items():
            more = None if attributes is None else attributes[own]
            made.append(self.members[item][2].at(places[own], incident_energy_mev[own], seed, more))
        joined = np.concatenate(made)
        block = np.empty_like(joined)
        block[np.concatenate(list(rows.values()))] = joined
        return block

    @property
    def default_batch(self) -> int:
        """As :attr:`ShowerSampler.default_batch`: what fits all members."""
        return min(generator.default_batch for _, _, generator in self.members)

    def ready_call(self, batch: int) -> Callable[[], object]:
        """As :meth:`ShowerSampler.ready_call`; the batch is shared out evenly over the members."""
        shares = np.diff(np.linspace(0, batch, len(self.members) + 1).astype(int))
        calls = [item[2].ready_call(int(share)) for item, share in zip(self.members, shares, strict=True) if share]

        def call() -> None:
            for member_call in calls:
                member_call()

        return call

    @property
    def trained_range_mev(self) -> tuple[float, float]:
        """As :attr:`ShowerSampler.trained_range_mev`, over all members."""
        lows, highs = zip(*(generator.trained_range_mev for _, _, generator in self.members), strict=True)
        return min(lows), max(highs)

    def outside_trained_range(self, incident_energy_mev: np.ndarray) -> np.ndarray:
        """As :meth:`ShowerSampler.outside_trained_range`."""
        distinct = np.unique(incident_energy_mev)
        number = self.route(distinct)
        found = [item[2].outside_trained_range(distinct[number == index]) for index, item in enumerate(self.members)]
        return np.concatenate(found)
