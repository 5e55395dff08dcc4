"""Amplification of a shower generator: quantile MSE of observables against its training size and a large reference."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from calosim_tf.data.schema import ShowerSet
from calosim_tf.errors import DataError
from calosim_tf.physics.observables.energies import EnergyGroups, group_energies, require_same_mix
from calosim_tf.physics.observables.sample import Sample
from calosim_tf.progress import progress
from calosim_tf.studies.amplification import (
    mean_and_error,
    measured_mse,
    mse_of_one_point,
    quantile_mse,
    shares_of,
    truth_curve,
)

QUANTILES = 20
REPEATS = 5
# Showers of the reference per incident energy and quantile: fewer, and a quantile is noise
LEAST_PER_QUANTILE = 5
# Generated showers in units of the training sample
SIZES = (0.1, 0.3, 1.0, 3.0)

Generate = Callable[[np.ndarray, np.ndarray, int], np.ndarray]


def main_layer(sample: Sample) -> int:
    """The layer with the most energy."""
    return max(sample.layers_with("energy"), key=lambda layer_id: float(sample.layer("energy", layer_id).sum()))


def observables(sample: Sample, main: int) -> dict[str, np.ndarray]:
    """Observables of the study, name -> shape (n,): response, layer energies, and widths of layer ``main``."""
    found = {"E_tot/E_inc": sample.response}
    found |= {
        f"layer {layer_id}: E/E_inc": sample.layer("energy", layer_id) / sample.incident_mev
        for layer_id in sample.layers_with("energy")
    }
    for quantity in sample.features.per_layer:
        if quantity.startswith("width_") and main in sample.layers_with(quantity):
            found[f"layer {main}: width in {quantity[6:]}"] = sample.layer(quantity, main)
    return found


class QuantileBins:
    """Quantiles of one observable at each incident energy, pooled.

    Where many showers share a value (a layer without energy) neighbouring edges are equal, and the reference's own
    shares take the place of 1/n_q.

    Parameters
    ----------
    values : ndarray, shape (n,)
        Of the reference.
    groups : list of ndarray of int
        Its rows of each incident energy.
    n_quantiles : int
    """

    def __init__(self, values: np.ndarray, groups: list[np.ndarray], n_quantiles: int):
        inner = np.arange(1, n_quantiles) / n_quantiles
        self.weights = np.array([len(rows) for rows in groups]) / len(values)
        self.edges = [np.quantile(values[rows], inner) for rows in groups]
        self.expected = self._shares_at(values, groups)  # (energies, n_q)
        self.of_one_point = float(self.weights @ [mse_of_one_point(shares) for shares in self.expected])

    def _shares_at(self, values: np.ndarray, groups: list[np.ndarray]) -> np.ndarray:
        return np.stack([shares_of(values[rows], edges) for rows, edges in zip(groups, self.edges, strict=True)])

    def mse(self, values: np.ndarray, groups: list[np.ndarray]) -> float:
        """MSE of another sample's shares from the reference's, energies weighted as in the reference."""
        return float(quantile_mse(self.weights @ (self._shares_at(values, groups) - self.expected), 0.0))


def shower_amplification(
    generate: Generate,
    training: ShowerSet,
    reference: ShowerSet,
    *,
    generator: str,
    n_quantiles: int = QUANTILES,
    repeats: int = REPEATS,
    sizes: tuple[float, ...] = SIZES,
    seed: int = 0,
) -> dict[str, Any]:
    """Quantile MSE of generated showers, beside that of the training sample and of the truth.

    Parameters
    ----------
    generate : callable
        ``generate(incident_energy_mev, attributes, seed) -> showers``, MeV.
    training : ShowerSet
        Its training sample.
    reference : ShowerSet
        Independent showers of the same incident energies, the more the better: it represents the truth, and its own
        fluctuation is taken into account.
    generator : str
        Name in words.
    n_quantiles, repeats : int
        Bins, and independent generated samples, which give the errors.
    sizes : tuple of float
        Generated showers in units of the training sample.
    seed : int

    Returns
    -------
    dict
        The content of ``study.json``; see ``docs/validation.md``.

    Raises
    ------
    DataError
        Other incident energies than the training sample's, or too few reference showers.
    """
    groups = group_energies(reference.incident_energy_mev)
    require_same_mix(groups, reference.incident_energy_mev, training.incident_energy_mev, training.source)
    real = Sample.measure(reference, groups)
    smallest = min(map(len, real.group_places))
    if smallest < LEAST_PER_QUANTILE * n_quantiles:
        raise DataError(
            f"{reference.source}: found {smallest} reference showers at an incident energy, expected at least"
            f" {LEAST_PER_QUANTILE * n_quantiles} for {n_quantiles} quantiles: give more, or ask for fewer quantiles"
        )
    main = main_layer(real)
    bins = {name: QuantileBins(v, real.group_places, n_quantiles) for name, v in observables(real, main).items()}
    counts = [max(1, round(size * len(training))) for size in sizes]
    known = _mse_of_sizes(bins, main, training, groups, [len(training)])
    made: dict[str, list[list[float]]] = {name: [] for name in bins}
    for repeat in progress(range(repeats), repeats, "generated samples"):
        showers = _generated(generate, training, counts[-1], seed + repeat)
        for name, of_sizes in _mse_of_sizes(bins, main, showers, groups, counts).items():
            made[name].append(of_sizes)
    found = {}
    for name, one in bins.items():
        unit, n_reference = one.of_one_point, len(reference)
        # of the reference's own fluctuation, which all numbers of this observable share: chi2 law of n_q - 1 numbers
        common = math.sqrt(2 / (n_quantiles - 1)) * unit / n_reference
        spread = math.sqrt(2 / (n_quantiles - 1)) * unit / len(training)
        numbers = {"training_sample": (known[name][0], math.hypot(spread, common))}
        found[name] = {
            "truth": truth_curve(len(training), counts[-1], unit, n_reference),
            **{key: measured_mse(*pair, unit, len(training), n_reference) for key, pair in numbers.items()},
            "generated": [
                {"points": count} | _with_common(column, common, unit, len(training), n_reference)
                for count, column in zip(counts, zip(*made[name], strict=True), strict=True)
            ],
        }
    return {
        "schema": 1,
        "study": "amplification",
        "form": "showers",
        "truth": f"{reference.source}, {len(reference)} showers",
        "training_source": training.source,
        "generator": generator,
        "training": len(training),
        "quantiles": n_quantiles,
        "repeats": repeats,
        "seed": seed,
        "observables": found,
    }


def _with_common(
    column: tuple[float, ...], common: float, unit: float, training: int, n_reference: int
) -> dict[str, float | None]:
    mse, error = mean_and_error(column)
    return measured_mse(mse, math.hypot(error, common), unit, training, n_reference)


def _generated(generate: Generate, training: ShowerSet, count: int, seed: int) -> ShowerSet:
    """Showers of the training sample's particles, as often as needed; the first ones hold every energy alike."""
    rng = np.random.Generator(np.random.Philox(np.random.SeedSequence((0xA3F, seed, count))))
    rounds = [rng.permutation(len(training)) for _ in range(-(-count // len(training)))]
    particles = training.take(np.concatenate(rounds)[:count])
    return replace(particles, showers_mev=generate(particles.incident_energy_mev, particles.attributes, seed))


def _mse_of_sizes(
    bins: Mapping[str, QuantileBins], main: int, showers: ShowerSet, groups: EnergyGroups, counts: list[int]
) -> dict[str, list[float]]:
    """MSE of the first showers, one value per number in ``counts``, observable by observable."""
    whole = Sample.measure(showers, groups)
    found: dict[str, list[float]] = {name: [] for name in bins}
    for count in counts:
        sample = whole.take(np.arange(count))
        for name, values in observables(sample, main).items():
            found[name].append(bins[name].mse(values, sample.group_places))
    return found
