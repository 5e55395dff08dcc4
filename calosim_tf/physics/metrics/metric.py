"""What a metric is, and how a list of them is measured with errors and Monte-Carlo-against-Monte-Carlo values.

A metric is a function of a :class:`Comparison`.  New ones (classifiers, FPD, ...) and other detectors join by adding a
:class:`Metric` to a list; nothing here or in the report depends on a particular one.
"""

from __future__ import annotations

import math
import time
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from calosim_tf.physics.metrics.comparison import Baseline, Comparison
from calosim_tf.physics.observables.bootstrap import bootstrap_rng
from calosim_tf.progress import progress

# Reason of a metric that gives none, so that no number is ever missing without one
UNDEFINED = "not defined for these showers"
OVERALL, PER_ENERGY = "overall", "per_energy"


@dataclass(frozen=True)
class Measured:
    """One number.

    Attributes
    ----------
    value : float
        NaN if the showers do not define it (an empty layer, for example).
    error : float
        One standard deviation.
    reference_value : float, optional
        The reference's own value, for a quantity that both samples have.
    extra : mapping
        Further fields of the entry in ``metrics.json`` (``chi2``, ``ndf``).
    reason : str
        Why there is no number, where there is none.
    twice : tuple of str
        Fields of ``extra`` that the entry also has of Monte Carlo against Monte Carlo, as
        ``reference_vs_reference_<field>``.
    """

    value: float
    error: float
    reference_value: float | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)
    reason: str = ""
    twice: tuple[str, ...] = ()

    @classmethod
    def missing(cls, reason: str) -> Measured:
        """No number, and why."""
        return cls(math.nan, math.nan, reason=reason)


@dataclass(frozen=True)
class Metric:
    """A named number, or a family of numbers, that compares two samples.

    Attributes
    ----------
    name : str
        Lower snake case, as in ``metrics.json``.
    unit : str
        ``"1"`` for a pure number.
    function : callable
        ``function(comparison, rng)`` returns a dict of :class:`Measured`: key ``""`` for the number called ``name``,
        key ``"layer_2"`` for the one called ``<name>_layer_2``.  ``rng`` is a fixed random stream for a bootstrap.
    about : str
        One or two sentences: definition, threshold, how the error is made.
    ideal : float or None
        Value of a perfect generator with infinitely many showers; None for a quantity that is not a comparison.
    scopes : tuple of str
        ``overall`` (all showers together), ``per_energy``, or both.
    needs : frozenset of str
        Entries of ``Comparison.provides`` without which the metric is left out.
    detector_specific : bool
        Part of a full list only where it is possible; unlike others it is not missed elsewhere.
    least : int
        Showers that either sample must have; with fewer there is a reason instead of a number.
    most : int or None
        Showers of either sample that it looks at (:meth:`Sample.at_most`); None for all of them.
    matched : bool
        Whether it is measured once more at the numbers of showers of Monte Carlo against Monte Carlo.
    prepare : callable, optional
        Called with all comparisons of the scopes before the first is measured, so that showers that stay in their file
        are read once for all of them.
    networks : bool
        Whether it trains or runs networks: those use all cores and the seeds of the whole process, so nothing is
        measured beside them.
    """

    name: str
    unit: str
    function: Callable[[Comparison, np.random.Generator], dict[str, Measured]]
    about: str
    ideal: float | None = None
    scopes: tuple[str, ...] = (OVERALL, PER_ENERGY)
    needs: frozenset[str] = frozenset()
    detector_specific: bool = False
    least: int = 1
    most: int | None = None
    matched: bool = True
    prepare: Callable[[Sequence[Comparison]], None] | None = None
    networks: bool = False


@dataclass(frozen=True)
class Results:
    """Entries of ``metrics.json``: ``overall`` name -> entry, ``per_energy`` energy in MeV -> name -> entry.

    ``seconds`` holds what each metric cost, Monte Carlo against Monte Carlo included.
    """

    overall: dict[str, dict]
    per_energy: dict[float, dict[str, dict]]
    left_out: tuple[str, ...]
    seconds: dict[str, float] = field(default_factory=dict)


def measure(metrics: Iterable[Metric], comparison: Comparison, baseline: Baseline) -> Results:
    """Measure all ``metrics``, overall and per incident energy.

    Parameters
    ----------
    metrics : iterable of Metric
        Those whose ``needs`` the detector or sample does not provide are listed in ``left_out``.
    comparison : Comparison
    baseline : Baseline
        Gives ``reference_vs_reference`` and, where the numbers of showers differ, ``value_at_equal_n``.
    """
    metrics = tuple(metrics)
    possible = [metric for metric in metrics if metric.needs <= comparison.provides]
    overall: dict[str, dict] = {}
    per_energy: dict[float, dict[str, dict]] = {float(e): {} for e in comparison.reference.groups.energy_mev}
    matched_by_energy = baseline.matched.by_energy if baseline.matched else [None] * len(per_energy)
    rows = list(zip(comparison.by_energy, baseline.comparison.by_energy, matched_by_energy, strict=True))
    whole = (comparison, baseline.comparison, baseline.matched)
    seconds: dict[str, float] = {}
    with ThreadPoolExecutor(1) as second_thread:
        for metric in progress(possible, len(possible), "metrics"):
            start = time.perf_counter()
            if metric.prepare is not None:
                by_scope = {OVERALL: whole, PER_ENERGY: [one for row in rows for one in row]}
                every = [one for scope in metric.scopes for one in by_scope[scope] if one is not None]
                metric.prepare([one for one in every if len(one.generated) and len(one.reference)])
            beside = second_thread if _in_memory(comparison) and not metric.networks else None
            if OVERALL in metric.scopes:
                overall.update(entries_of(metric, *whole, beside))
            if PER_ENERGY in metric.scopes:
                for row in rows:
                    if len(row[0].generated) and len(row[0].reference):
                        per_energy[row[0].energy_mev].update(entries_of(metric, *row, beside))
            seconds[metric.name] = time.perf_counter() - start
    return Results(overall, per_energy, tuple(m.name for m in metrics if m not in possible), seconds)


def _in_memory(comparison: Comparison) -> bool:
    """Whether two threads may look at the showers; those that stay in their file are read by one, to save memory."""
    return all(
        isinstance(sample.showers.showers_mev, np.ndarray) for sample in (comparison.generated, comparison.reference)
    )


def entries_of(
    metric: Metric,
    comparison: Comparison,
    monte_carlo: Comparison,
    matched: Comparison | None,
    beside: Executor | None = None,
) -> dict[str, dict]:
    """Entries of one metric in ``metrics.json``, keyed by their full names; as :func:`measure` makes them of a list.

    With ``beside``, Monte Carlo against Monte Carlo is measured there while the comparison itself is.
    """

    def of_monte_carlo() -> tuple[dict[str, Measured], dict[str, Measured]]:
        repeat = matched is not None and metric.matched and _sizes(metric, comparison) != _sizes(metric, monte_carlo)
        floor = run_metric(metric, monte_carlo, "baseline")
        return floor, run_metric(metric, matched, "matched") if repeat else {}

    waiting = beside.submit(of_monte_carlo) if beside is not None else None
    measured = run_metric(metric, comparison, "main")
    floor, at_equal_n = waiting.result() if waiting is not None else of_monte_carlo()
    entries = {}
    for suffix, result in measured.items():
        other = (
            floor.get(suffix) or floor.get("") or Measured.missing("not defined for Monte Carlo against Monte Carlo")
        )
        entry = _entry(metric, result, other) | dict(zip(("n", "n_reference"), _sizes(metric, comparison), strict=True))
        if suffix in at_equal_n:
            entry["value_at_equal_n"] = _number(at_equal_n[suffix].value)
            entry["n_at_equal_n"] = _sizes(metric, matched)[0]
        entries[f"{metric.name}_{suffix}" if suffix else metric.name] = entry
    return entries


def _entry(metric: Metric, result: Measured, floor: Measured) -> dict:
    entry = {
        "value": _number(result.value),
        "error": _number(result.error),
        "reference_vs_reference": _number(floor.value),
        "reference_vs_reference_error": _number(floor.error),
        "unit": metric.unit,
        "note": metric.about,
        "ideal": metric.ideal,
        "metric": metric.name,
        **result.extra,
        **{f"reference_vs_reference_{key}": floor.extra.get(key) for key in result.twice},
    }
    if result.reference_value is not None:
        entry["reference_value"] = _number(result.reference_value)
    for key, one in (("reason", result), ("reference_vs_reference_reason", floor)):
        if not math.isfinite(one.value):
            entry[key] = one.reason or UNDEFINED
    return entry


def _sizes(metric: Metric, comparison: Comparison) -> tuple[int, int]:
    """Showers of both samples that the metric looks at."""
    return tuple(
        len(sample) if metric.most is None else min(len(sample), metric.most)
        for sample in (comparison.generated, comparison.reference)
    )


def _number(value: float) -> float | None:
    """JSON has no NaN: an undefined number is null."""
    return float(value) if math.isfinite(value) else None


def run_metric(metric: Metric, comparison: Comparison, role: str) -> dict[str, Measured]:
    """Values of one metric by the endings of their names, or one reason under ``""`` where showers are too few.

    ``role`` is a word that chooses the random stream: the same word, the same numbers.
    """
    for words, sample in (("generated", comparison.generated), ("reference", comparison.reference)):
        if len(sample) < metric.least:
            return {"": Measured.missing(f"needs {metric.least} showers of each kind, found {len(sample)} {words}")}
    energy = "all" if comparison.energy_mev is None else f"{comparison.energy_mev:.6g}"
    return metric.function(comparison, bootstrap_rng(zlib.crc32(f"{metric.name} {energy} {role}".encode())))


def distance_from_ideal(entry: Mapping) -> float:
    """How many times further from the ideal than Monte Carlo is from Monte Carlo, for sorting the worst first.

    The yardstick is |MC vs MC - ideal| or its error, whichever is larger (a ratio may hit 1 by chance).  0 for an
    entry that is not a comparison or has no value.
    """
    value = entry.get("value_at_equal_n", entry["value"])
    ideal, floor = entry["ideal"], entry["reference_vs_reference"]
    if None in (ideal, value, floor):
        return 0.0
    yardstick = max(abs(floor - ideal), entry["reference_vs_reference_error"] or 0.0)
    return abs(value - ideal) / yardstick if yardstick > 0 else 0.0
