"""Normalisation of the factorised generators: MeV, with the spread of the layer energies in tables (no TensorFlow)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from calosim_tf.data.batches.energy_groups import energy_groups
from calosim_tf.data.energy_knots import to_the_ends
from calosim_tf.data.normalisation import Normalisation, masked, training_range
from calosim_tf.data.schema import kinetic_energy_mev
from calosim_tf.data.source import ShowerSource
from calosim_tf.errors import DataError

# What the networks leave below this is no energy: float32 rounding of exponentials (our choice), MeV
SMALLEST_MEV = np.float32(1e-3)
# In place of a layer energy, in the condition: the generator draws it
DRAW = np.float32(-1.0)
# A layer that is open in fewer showers of a group takes the spread of these (our choice)
FEWEST_OPEN = 16
SPREAD_OF_FEW = (0.5, 0.7)
# Least width of the response of a group, as a share of its mean: a few showers may be nearly alike (our choice)
LEAST_WIDTH = 2e-3
# Showers of a group that tables are made from (our choice; their means are known to 1 %)
MOST_PER_GROUP = 10_000


@dataclass(frozen=True)
class LayerEnergyNormalisation(Normalisation):
    """Cells in MeV; the particle, and the energies of the layers or -1, as condition.

    Attributes
    ----------
    layer_sizes : tuple of int
        Voxels of each layer.
    condition_mean, condition_std : tuple of float
        Subtracted from, and divided out of, the attributes of the particle.
    mask_mev : float
        Training voxels below this are set to 0.
    table : tuple of tuple of float
        A row for each group of about one energy, ascending: kinetic energy, MeV; share of empty showers; and of the
        others mean and standard deviation of deposited over kinetic energy, mean of ln(1 + E/MeV) of each open layer,
        and its standard deviation.
    """

    kind: ClassVar[str] = "layer_energies"
    # empty showers are drawn with their probability: no network learns from them
    learns_empty: ClassVar[bool] = False

    layer_sizes: tuple[int, ...] = ()
    condition_mean: tuple[float, ...] = ()
    condition_std: tuple[float, ...] = ()
    mask_mev: float = 0.0
    table: tuple[tuple[float, ...], ...] = ()

    @classmethod
    def of_training(cls, source: ShowerSource, data, network) -> LayerEnergyNormalisation:
        """As :meth:`Normalisation.of_training`."""
        attributes = source.attributes[source.train_rows]
        spread = attributes.std(axis=0)
        return cls(
            *training_range(source),
            layer_sizes=tuple(layer.n_voxels for layer in source.detector.layers),
            condition_mean=tuple(attributes.mean(axis=0).tolist()),
            # an attribute that never changes stays 0
            condition_std=tuple(np.where(spread > 0.0, spread, 1.0).tolist()),
            mask_mev=data.mask_mev,
            table=layer_energy_table(source, data.mask_mev),
        )

    def label(self, incident_energy_mev: np.ndarray, attributes: np.ndarray | None = None) -> np.ndarray:
        """ln of the kinetic energy in MeV, attributes, and -1 for each layer: its energy is drawn.

        Attributes may have the energies of the layers behind them, MeV, which are then kept instead.
        """
        kinetic = kinetic_energy_mev(incident_energy_mev, self.mass_mev)
        parts, n = [np.log(kinetic)[:, None]], len(self.condition_mean)
        if n:
            parts.append((attributes[:, :n] - self.condition_mean) / self.condition_std)
        given = attributes is not None and attributes.shape[1] == n + len(self.layer_sizes)
        parts.append(attributes[:, n:] if given else np.full((len(kinetic), len(self.layer_sizes)), DRAW))
        return np.concatenate(parts, axis=1).astype(np.float32)

    def knots(self) -> tuple[np.ndarray, np.ndarray]:
        """ln of the kinetic energy in MeV, ascending, and the other numbers of ``table``, over the whole range."""
        table = np.array(self.table)
        return self.reach(np.log(table[:, 0]), table[:, 1:])

    def reach(self, log_energy: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """A table of groups, as one from the lowest to the highest energy of the training selection."""
        return to_the_ends(log_energy, rows, np.log(self.kin_min_mev), np.log(self.kin_max_mev))

    def value_shape(self, n_voxels: int) -> tuple[int, ...]:
        """As :meth:`Normalisation.value_shape`: a vector."""
        return (n_voxels,)

    def to_network(self, showers_mev: np.ndarray, incident_energy_mev: np.ndarray) -> np.ndarray:
        """As :meth:`Normalisation.to_network`: MeV."""
        return masked(showers_mev, self.mask_mev).astype(np.float32, copy=False)

    def to_mev(self, outputs: np.ndarray, incident_energy_mev: np.ndarray) -> np.ndarray:
        """As :meth:`Normalisation.to_mev`: below 1 keV is 0."""
        return np.where(outputs < SMALLEST_MEV, np.float32(0.0), outputs)

    def condition_words(self, attributes: tuple[str, ...]) -> tuple[tuple[str, ...], str]:
        """As :meth:`Normalisation.condition_words`."""
        layers = tuple(f"layer_{index}_mev" for index in range(len(self.layer_sizes)))
        attributes = attributes[: len(self.condition_mean)]
        numbers = zip(attributes, self.condition_mean, self.condition_std, strict=True)
        words = ["ln(kin / 1 MeV)", *(f"({name} - {mean:.9g}) / {std:.9g}" for name, mean, std in numbers)]
        return ("ln_kin", *attributes, *layers), (
            f"{', '.join(words)}, then -1 for each layer to have its energy drawn, or all of these energies in MeV"
        )

    def output_words(self) -> tuple[str, str]:
        """As :meth:`Normalisation.output_words`."""
        return f"cells in MeV; below {SMALLEST_MEV:g} MeV is 0", "MeV"


def layer_energy_table(source: ShowerSource, mask_mev: float = 0.0) -> tuple[tuple[float, ...], ...]:
    """Rows of :attr:`LayerEnergyNormalisation.table` from the training showers.

    Raises
    ------
    DataError
        All showers of a group are empty.
    """
    rows, starts = source.train_rows, source.detector.offsets[:-1]
    table = []
    for group in energy_groups(source.incident_energy_mev[rows]):
        chosen = rows[np.sort(group[:: -(-len(group) // MOST_PER_GROUP)])]
        kinetic = kinetic_energy_mev(source.incident_energy_mev[chosen], source.detector.mass_mev)
        blocks = (chosen[first : first + source.block_rows] for first in range(0, len(chosen), source.block_rows))
        layers = np.concatenate(
            [
                np.add.reduceat(masked(source.read(block), mask_mev), starts, axis=1, dtype=np.float64)
                for block in blocks
            ]
        )
        filled = layers.sum(axis=1) > 0.0
        if not filled.any():
            raise DataError(
                f"all showers of about {kinetic.mean():g} MeV are empty, expected some energy to learn from: raise "
                "data.energy_min_mev"
            )
        share = layers[filled].sum(axis=1) / kinetic[filled]
        logs = np.log1p(layers[filled])
        spreads = [_spread(column[column > 0.0]) for column in logs.T]
        row = (
            np.exp(np.log(kinetic).mean()),
            1.0 - filled.mean(),
            share.mean(),
            max(share.std(), LEAST_WIDTH * share.mean()),
        )
        table.append(
            tuple(float(f"{value:.7g}") for value in (*row, *(m for m, _ in spreads), *(s for _, s in spreads)))
        )
    return tuple(table)


def _spread(values: np.ndarray) -> tuple[float, float]:
    if len(values) < FEWEST_OPEN:
        return SPREAD_OF_FEW
    return float(values.mean()), max(float(values.std()), 1e-3)
