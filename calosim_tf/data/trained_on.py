"""Which particles a generator was trained on, and which requests go beyond them (no TensorFlow)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from calosim_tf.data.normalisation import Normalisation
    from calosim_tf.data.source import ShowerSource

Range = tuple[float, float]
# Files of single precision round the ends of a range: they are inside
ROUNDING = 1e-6
# The ends of two samples of one law differ: of n training showers, another sample leaves about 2/n outside (our choice)
TOLERATED_SHARE = 0.01


@dataclass(frozen=True)
class TrainedOn:
    """Ranges of the training showers, the held-out ones excepted; both ends included.

    Attributes
    ----------
    incident_energy_mev : (float, float)
        As in the files, MeV.
    attributes : dict
        Name of an attribute of the incident particle, with its unit -> range.
    condition : tuple of (float, float)
        Range of each number that conditions the network.
    """

    incident_energy_mev: Range
    attributes: dict[str, Range]
    condition: tuple[Range, ...]

    @classmethod
    def of(cls, source: ShowerSource, normalisation: Normalisation) -> TrainedOn:
        """What a network with this normalisation is trained on when it is given ``source``."""
        rows = source.train_rows
        energy, attributes = source.incident_energy_mev[rows], source.attributes[rows]
        ranges = map(_range, attributes.T)
        return cls(
            _range(energy),
            dict(zip(source.detector.attributes, ranges, strict=True)),
            tuple(map(_range, normalisation.label(energy, attributes).T)),
        )

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> TrainedOn:
        """Inverse of :func:`dataclasses.asdict`, from JSON.

        Raises
        ------
        KeyError, TypeError, ValueError
            The record is damaged.
        """
        return cls(
            _pair(stored["incident_energy_mev"]),
            {name: _pair(ends) for name, ends in stored["attributes"].items()},
            tuple(map(_pair, stored["condition"])),
        )


def attributes_beyond(networks: Sequence[TrainedOn], attributes: Mapping[str, np.ndarray]) -> list[str]:
    """Attributes that none of the networks of a generator was trained on, one phrase each.

    An attribute is named when it lies outside for more than 1 % of the showers.

    Parameters
    ----------
    networks : sequence of TrainedOn
        One for each network; none where it was not recorded.
    attributes : mapping of str to ndarray
        Name -> requested values.
    """
    found = []
    for name, values in attributes.items():
        ranges = [network.attributes[name] for network in networks if name in network.attributes]
        if not ranges or not len(values):
            continue
        low, high = min(low for low, _ in ranges), max(high for _, high in ranges)
        margin = ROUNDING * max(abs(low), abs(high))
        outside = values[(values < low - margin) | (values > high + margin)]
        if len(outside) > TOLERATED_SHARE * len(values):
            found.append(f"{name} {outside[0]:g} is outside the trained range of {low:g} to {high:g}")
    return found


def _range(values: np.ndarray) -> Range:
    return float(values.min()), float(values.max())


def _pair(ends: Sequence[float]) -> Range:
    low, high = ends
    return float(low), float(high)
