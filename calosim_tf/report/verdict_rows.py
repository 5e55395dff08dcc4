"""Five lines that tell a physicist in ten seconds how good a generator is: ours, Monte Carlo, best published GAN."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from calosim_tf.physics.metrics.metric import Metric
from calosim_tf.report.number_text import with_error

# Metrics that the verdict takes from a report; the classifier sees the same features as the distance
AUC = "auc_high_level"
NEEDED = ("chi2_ndf_total_energy", "frechet_distance", "recall", "density")
# Published ones stand beside ours even where ours is the plain distance
PUBLISHED_DISTANCE = "fpd"
NOTHING = "-"


@dataclass(frozen=True)
class VerdictRow:
    """A line of the verdict; all cells are text."""

    what: str
    ours: str
    monte_carlo: str
    published: str


def is_needed(metric: Metric) -> bool:
    """Whether the verdict shows it."""
    return metric.name in NEEDED


def verdict_rows(document: Mapping) -> list[VerdictRow]:
    """The verdict on the content of ``metrics.json``: the lines that it has numbers for.

    The Frechet distance stands beside that of Monte Carlo at equal numbers of showers; with 10 000 showers and more it
    is the extrapolated FPD, as published ones are.
    """
    entries = document["metrics"]
    distance = "fpd" if entries.get("fpd", {}).get("value") is not None else "frechet_distance"
    separations = {
        name: entry
        for name, entry in entries.items()
        if name == entry["metric"] and name.startswith("separation_") and name != "separation_mean"
    }
    measured = {name: entry for name, entry in separations.items() if entry["value"] is not None}
    worst = max(measured, key=lambda name: measured[name]["value"], default="")
    rows = [
        _row(
            document,
            distance,
            "FPD x 1000" if distance == "fpd" else "Frechet distance x 1000, equal N",
            1e3,
            PUBLISHED_DISTANCE,
        ),
        _row(document, "recall", "recall (kinds of showers that it makes)"),
        _row(document, "density", "density (1: neither blurred nor collapsed)"),
        _row(document, "chi2_ndf_total_energy", "chi2/NDF of the total energy"),
        _row(document, worst, f"worst separation power: {worst.removeprefix('separation_')}", worst_of=measured),
        _row(document, AUC, "AUC of a classifier of features (0.5: cannot tell)"),
    ]
    return [row for row in rows if row is not None]


def verdict_text(rows: Iterable[VerdictRow]) -> str:
    """The verdict as a table for a terminal."""
    cells = [("", "this generator", "Monte Carlo", "best published GAN, other data")]
    cells += [(row.what, row.ours, row.monte_carlo, row.published) for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return "\n".join(
        "  " + "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in cells
    )


def _row(
    document: Mapping,
    name: str,
    what: str,
    scale: float = 1.0,
    published: str = "",
    worst_of: Mapping[str, Mapping] | None = None,
) -> VerdictRow | None:
    entry = document["metrics"].get(name)
    if entry is None or entry["value"] is None:
        return None
    names = [published or name] if worst_of is None else list(worst_of)
    return VerdictRow(
        what,
        _number(entry["value"], entry["error"], scale),
        _number(entry["reference_vs_reference"], entry["reference_vs_reference_error"], scale),
        _best_published(document, names, scale, largest=name == "recall"),
    )


def _number(value: float | None, error: float | None, scale: float = 1.0) -> str:
    if value is None:
        return NOTHING
    return with_error(value * scale, None if error is None else error * scale)


def _best_published(document: Mapping, names: list[str], scale: float, largest: bool) -> str:
    """Best GAN of the CaloChallenge in a metric, or in the worst of several; density by its distance from 1."""
    results = document.get("published_results") or {"rows": ()}
    found = []
    for row in results["rows"]:
        values = [row["metrics"][name]["value"] for name in names if row["metrics"].get(name)]
        if "GAN" in row["name"] and values:
            found.append((max(values), row["name"]))
    if not found:
        return NOTHING

    def badness(item: tuple[float, str]) -> float:
        if names == ["density"]:
            return abs(item[0] - 1.0)
        return -item[0] if largest else item[0]

    value, name = min(found, key=badness)
    return f"{value * scale:.3g} ({name})"
