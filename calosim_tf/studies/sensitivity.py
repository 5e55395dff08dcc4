"""Which metric notices which damage, in units of the spread of Monte Carlo against Monte Carlo.

The Monte-Carlo sample is cut in two, within each incident energy: showers that a generator might have been trained on,
and a pool.  A partition of the pool makes one part the generated and the other the reference showers.  200 and more
random partitions give the mean and the standard deviation (sigma) of every number for a perfect generator with the same
showers.  Drawing with replacement would put copies into Monte Carlo, which is one of the damages.  Then the generated
part of one more partition is damaged in known ways.  A metric *fires* where its value is more than 5 sigma away and
further than in any of the partitions that gave sigma (some numbers have long tails).
"""

from __future__ import annotations

import math
import multiprocessing
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from calosim_tf.data.schema import ShowerSet
from calosim_tf.errors import DataError
from calosim_tf.physics.metrics.comparison import Comparison
from calosim_tf.physics.metrics.metric import OVERALL, Metric, run_metric
from calosim_tf.physics.observables.energies import group_energies
from calosim_tf.physics.observables.sample import Sample
from calosim_tf.progress import progress
from calosim_tf.studies.damages import DAMAGES, Damage

FIRES_AT_SIGMA = 5.0
# A metric of many numbers has long tails: how far beyond the most significant of all partitions it has to be (ours)
BEYOND_PARTITIONS = 1.25
LEAST_RESAMPLES = 200
# Partitions beside those that define sigma, to see whether anything fires on Monte Carlo itself
CHECKED_PARTITIONS = 20
# Shares of the sample: training, generated; the rest is the reference (our choice)
TRAINING_SHARE, GENERATED_SHARE = 1 / 2, 1 / 6
# Fewest showers per incident energy and part: below, some parts of the histograms hold nothing
LEAST_PER_ENERGY = 20
# Two hundred times all pairs of 10 000 showers would take hours; the measures are as well defined with fewer
FEWER_SHOWERS = {
    **dict.fromkeys(("precision", "recall", "density", "coverage", "mmd"), 2500),
    **dict.fromkeys(("nearest_training_ratio", "nearest_training_below"), 1000),
}
_STREAM_WORD = 0x5E45

Values = dict[str, dict[str, float]]


@dataclass(frozen=True, eq=False)
class Material:
    """The Monte-Carlo showers in their roles.

    Attributes
    ----------
    pool : Sample
        Cut into generated and reference showers again by every partition.
    training : ShowerSet
    metrics : tuple of Metric
    seed : int
    """

    pool: Sample
    training: ShowerSet
    metrics: tuple[Metric, ...]
    seed: int

    def partition(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        """Places in the pool of the generated and the reference showers, ascending."""
        rng = _stream(self.seed, number)
        share = GENERATED_SHARE / (1 - TRAINING_SHARE)
        return _split(self.pool.group_places, share, rng)

    def values(self, number: int, spoil: Callable[[ShowerSet], ShowerSet] | None = None) -> Values:
        """All numbers of one partition, its generated showers damaged by ``spoil``."""
        generated, reference = (self.pool.take(places) for places in self.partition(number))
        if spoil is not None:
            showers = spoil(generated.showers.take(generated.rows))
            generated = Sample.measure(showers, self.pool.groups)
        comparison = Comparison(generated, reference, training=self.training)
        return metric_values(self.metrics, comparison, f"partition {number}")


def metric_values(metrics: Iterable[Metric], comparison: Comparison, role: str) -> Values:
    """Values over all showers: metric -> full name -> value, NaN where it is not defined or showers are too few."""
    thinner = {
        most: replace(comparison, generated=comparison.generated.at_most(most), _shared={},
                      reference=comparison.reference.at_most(most))
        for most in set(FEWER_SHOWERS.values())
    }  # fmt: skip
    found: Values = {}
    for metric in metrics:
        used = thinner[FEWER_SHOWERS[metric.name]] if metric.name in FEWER_SHOWERS else comparison
        found[metric.name] = {
            f"{metric.name}_{ending}" if ending else metric.name: measured.value
            for ending, measured in run_metric(metric, used, role).items()
        }
    return found


def sensitivity_study(
    showers: ShowerSet,
    metrics: Iterable[Metric],
    *,
    resamples: int = LEAST_RESAMPLES,
    processes: int = 1,
    seed: int = 0,
    damages: Sequence[Damage] = DAMAGES,
) -> dict[str, Any]:
    """Damage Monte-Carlo showers and see which metric notices.

    Parameters
    ----------
    showers : ShowerSet
        Monte Carlo, at least 120 showers per incident energy.
    metrics : iterable of Metric
        Those over all showers are used, where the detector has what they need.
    resamples : int
        Partitions that give the spread of Monte Carlo against Monte Carlo.
    processes : int
        Work on partitions at a time; the numbers are the same for any.
    seed : int
    damages : sequence of Damage

    Returns
    -------
    dict
        The content of ``study.json``; see ``docs/validation.md``.

    Raises
    ------
    DataError
        Too few showers.
    """
    material = _material(showers, metrics, seed)
    numbers = range(resamples + CHECKED_PARTITIONS)
    drawn = list(progress(_in_processes(material, numbers, processes), len(numbers), "Monte Carlo against itself"))
    null, checked = drawn[:resamples], drawn[resamples:]
    last = numbers[-1] + 1
    spoilt = {}
    for place, damage in enumerate(progress(damages, len(damages), "damages")):
        rng = _stream(seed, last + 1 + place)
        spoilt[damage.name] = material.values(
            last, lambda made, damage=damage, rng=rng: damage.function(made, material.training, rng)
        )
    n_generated, n_reference = map(len, material.partition(0))
    return {
        "schema": 1,
        "study": "sensitivity",
        "sample": showers.source,
        "detector": showers.detector.name,
        "showers": {"generated": n_generated, "reference": n_reference, "training": len(material.training)},
        "resamples": resamples,
        "checked_partitions": len(checked),
        "fires_at_sigma": FIRES_AT_SIGMA,
        "fewer_showers": {name: most for name, most in FEWER_SHOWERS.items() if most < n_generated},
        "seed": seed,
        "damages": {damage.name: damage.about for damage in damages},
        "metrics": _by_significance(
            {metric.name: _judged(metric, null, checked, spoilt, n_generated) for metric in material.metrics}
        ),
    }  # fmt: skip


def _material(showers: ShowerSet, metrics: Iterable[Metric], seed: int) -> Material:
    groups = group_energies(showers.incident_energy_mev)
    rows = groups.rows(showers.incident_energy_mev, showers.source)
    smallest = min(map(len, rows))
    if smallest * GENERATED_SHARE < LEAST_PER_ENERGY:
        raise DataError(
            f"{showers.source}: found {smallest} showers at an incident energy, expected at least"
            f" {math.ceil(LEAST_PER_ENERGY / GENERATED_SHARE)}: give a larger sample"
        )
    training, rest = _split(rows, TRAINING_SHARE, _stream(seed, -1))
    pool = Sample.measure(showers.take(rest), groups)
    comparison = Comparison(pool, pool, training=showers)
    usable = tuple(m for m in metrics if m.needs <= comparison.provides and OVERALL in m.scopes)
    return Material(pool, showers.take(training), usable, seed)


def _split(rows_of_groups: Iterable[np.ndarray], share: float, rng: np.random.Generator) -> tuple[np.ndarray, ...]:
    """Random parts of ``share`` and the rest of each group, ascending."""
    shuffled = [(rng.permutation(rows), round(share * len(rows))) for rows in rows_of_groups]
    first = np.sort(np.concatenate([rows[:count] for rows, count in shuffled]))
    return first, np.sort(np.concatenate([rows[count:] for rows, count in shuffled]))


def _stream(seed: int, number: int) -> np.random.Generator:
    return np.random.Generator(np.random.Philox(np.random.SeedSequence((_STREAM_WORD, seed, number + 1))))


_shared_material: Material | None = None


def _values_in_worker(number: int) -> Values:
    return _shared_material.values(number)


def _in_processes(material: Material, numbers: Sequence[int], processes: int) -> Iterable[Values]:
    """Numbers of each partition, in order."""
    global _shared_material
    if processes == 1:
        yield from map(material.values, numbers)
        return
    # children of a fork see the showers without a copy
    _shared_material = material
    try:
        with multiprocessing.get_context("fork").Pool(processes) as pool:
            yield from pool.imap(_values_in_worker, numbers)
    finally:
        _shared_material = None


def _judged(
    metric: Metric, null: Sequence[Values], checked: Sequence[Values], spoilt: Mapping[str, Values], n_generated: int
) -> dict[str, Any]:
    """Significances of one metric, each that of its most sensitive number (layer, feature)."""
    entries = {}
    for name in null[0][metric.name]:
        values = np.array([one[metric.name].get(name, math.nan) for one in null])
        if np.isfinite(values).all():
            # a share that is 0 in all Monte Carlo can change by one shower
            entries[name] = (float(values.mean()), float(values.std(ddof=1)) or 1 / n_generated)
    result: dict[str, Any] = {"note": metric.about, "least": metric.least, "numbers": len(entries)}
    if not entries:
        return result | {"reason": f"needs {metric.least} showers of each kind" if metric.least > 1 else "not defined"}
    if metric.name in entries:
        result |= dict(zip(("mean", "sigma"), entries[metric.name], strict=True))
    largest = [
        max((_most_significant(entries, one[metric.name])["sigmas"] for one in part), default=0.0)
        for part in (null, checked)
    ]
    result["fires_above"] = max(FIRES_AT_SIGMA, BEYOND_PARTITIONS * largest[0])
    result["mc_vs_mc"] = largest[1]
    result["damages"] = {damage: _most_significant(entries, values[metric.name]) for damage, values in spoilt.items()}
    return result


def _most_significant(entries: Mapping[str, tuple[float, float]], values: Mapping[str, float]) -> dict[str, Any]:
    found = {
        name: abs(values[name] - mean) / sigma
        for name, (mean, sigma) in entries.items()
        if math.isfinite(values.get(name, math.nan))
    }
    if not found:
        return {"sigmas": 0.0, "number": None, "value": None}
    name = max(found, key=found.get)
    return {"sigmas": float(found[name]), "number": name, "value": float(values[name])}


def _by_significance(metrics: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Metrics by the number of damages they notice, then by their largest significance; those without a number last."""

    def order(item: tuple[str, Mapping[str, Any]]) -> tuple[int, float]:
        sigmas = [found["sigmas"] for found in item[1].get("damages", {}).values()]
        return -sum(sigma > item[1]["fires_above"] for sigma in sigmas), -max(sigmas, default=-1.0)

    return dict(sorted(metrics.items(), key=order))


def fired(document: Mapping[str, Any], damage: str) -> list[str]:
    """Metrics that notice a damage, the most significant first."""
    measured = {
        name: entry["damages"][damage]["sigmas"]
        for name, entry in document["metrics"].items()
        if "damages" in entry and entry["damages"][damage]["sigmas"] > entry["fires_above"]
    }
    return sorted(measured, key=lambda name: -measured[name])


def sensitivity_table(document: Mapping[str, Any]) -> tuple[list[str], list[list[str]]]:
    """Metrics against damages in sigmas, ``**`` around what fires: header and rows."""
    damages = list(document["damages"])
    rows = []
    for name, entry in document["metrics"].items():
        if "damages" not in entry:
            rows.append([name, f"n/a: {entry['reason']}", *[""] * len(damages)])
            continue
        sigmas = [entry["damages"][damage]["sigmas"] for damage in damages]
        cells = [f"**{sigma:.3g}**" if sigma > entry["fires_above"] else f"{sigma:.1f}" for sigma in sigmas]
        rows.append([name, *cells, f"{entry['mc_vs_mc']:.1f}"])
    return ["metric", *damages, "MC vs MC"], rows
