"""Metrics as stored in ``metrics.json``: several reports, and their worst metrics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from calosim_tf.physics.metrics.feature_histograms import FeatureHistogram
from calosim_tf.physics.metrics.metric import distance_from_ideal

# Where reports have it, generators are ordered by the first, larger is better; these are the first rows.  The papers'
# score beside it hardly tells a good generator from a regression without fluctuations (docs/factorised.md)
LEADING = ("prd_auc_physics_geometric", "prd_auc_physics")


@dataclass(frozen=True)
class NamedReport:
    """The ``metrics.json`` of one generator and the name it has in tables and legends."""

    name: str
    path: Path
    document: Mapping[str, Any]

    def entry(self, metric: str) -> Mapping[str, Any] | None:
        """Entry over all showers; None if this report has no such metric."""
        return self.document["metrics"].get(metric)

    def distance(self, metric: str) -> float:
        """:func:`distance_from_ideal` of that entry, 0 without one."""
        entry = self.entry(metric)
        return distance_from_ideal(entry) if entry is not None else 0.0


def headline_metrics(reports: Sequence[NamedReport]) -> list[str]:
    """Headline metrics of any report, the one first in which a generator is worst, behind those of ``LEADING``."""
    names = dict.fromkeys(
        name for report in reports for name, entry in report.document["metrics"].items() if entry["metric"] == name
    )
    leading = [name for name in LEADING if name in names]
    others = [name for name in names if name not in leading]
    return leading + sorted(others, key=lambda name: -max(report.distance(name) for report in reports))


def best_first(reports: Sequence[NamedReport]) -> list[NamedReport]:
    """Reports by the first of ``LEADING``, the best first; as they are unless all have a value of it."""
    entries = [report.entry(LEADING[0]) for report in reports]
    if any(entry is None or entry["value"] is None for entry in entries):
        return list(reports)
    return sorted(reports, key=lambda report: -report.entry(LEADING[0])["value"])


def worst_histograms(reports: Sequence[NamedReport], n: int) -> dict[str, list[FeatureHistogram]]:
    """Features in which a generator is worst, name -> one histogram per report; those that all have in equal bins."""
    stored = [report.document.get("histograms", {}) for report in reports]
    common = [name for name in stored[0] if all(name in one for one in stored)]
    equal = [name for name in common if all(one[name]["edges"] == stored[0][name]["edges"] for one in stored)]
    worst = sorted(equal, key=lambda name: -max(report.distance(name) for report in reports))[:n]
    return {name: [FeatureHistogram.from_json(name, one[name]) for one in stored] for name in worst}
