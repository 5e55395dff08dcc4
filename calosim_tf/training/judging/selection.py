"""Which checkpoint of a run is the best: chi2 of the total energy alone, or together with shapes and diversity."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from calosim_tf.config import Experiment
from calosim_tf.data.schema import ShowerSet
from calosim_tf.data.source import ShowerSource
from calosim_tf.messages import warn
from calosim_tf.physics.distances.chi2 import chi2_from_totals
from calosim_tf.physics.metrics.comparison import compare, make_baseline
from calosim_tf.physics.metrics.listed import METRICS
from calosim_tf.physics.metrics.metric import Results, measure
from calosim_tf.shower_generator import ShowerGenerator
from calosim_tf.training.judging.control import matching_control, report_events

# Showers of the physics verdict: a few seconds (our choice)
JUDGED_SHOWERS = 2_000
# A warning below these shares of what Monte Carlo has (our choices)
DROPPING_RECALL, MEMORISING_RATIO = 0.5, 0.8
CHI2, RECALL, DENSITY, NEAREST = "chi2_ndf_total_energy", "recall", "density", "nearest_training_ratio"
SEPARATION = "separation_mean"
Judge = Callable[[], dict[str, str]]


def chi2_per_ndf(row: dict[str, str]) -> float:
    """chi2/NDF of a row of ``selection.csv``; infinite where there is none, so that it is never chosen."""
    ndf = int(row["ndf"])
    return _number(float(row["chi2"]) / ndf if ndf else math.inf)


def badness(row: dict[str, str]) -> float:
    """What the best row has least of: its ``score``, or chi2/NDF in runs that have none; infinite for NaN."""
    return _number(float(row["score"])) if row.get("score") else chi2_per_ndf(row)


def _number(value: float) -> float:
    # NaN is neither above nor below any other row
    return math.inf if math.isnan(value) else value


def best_row(rows: Sequence[dict[str, str]]) -> dict[str, str]:
    """The least bad row, the first of several; without any chi2/NDF the newest."""
    best = min(rows, key=badness)
    return best if math.isfinite(badness(best)) else max(rows, key=lambda row: int(row["iteration"]))


def chi2_words(row: dict[str, str]) -> str:
    """chi2/NDF with two decimals, a dash where there is none."""
    return _two_decimals(chi2_per_ndf(row))


def badness_words(row: dict[str, str]) -> str:
    """:func:`badness` with two decimals, a dash where there is none."""
    return _two_decimals(badness(row))


def _two_decimals(value: float) -> str:
    return f"{value:.2f}" if math.isfinite(value) else "-"


def verdict_words(row: dict[str, str]) -> str:
    """A row for messages."""
    words = f"chi2/NDF {chi2_words(row)}"
    if row.get("held_out_loss"):
        words += f", loss {float(row['held_out_loss']):.4f} nats per voxel"
    if row.get("separation"):
        words += (
            f", separation {float(row['separation']):.4f} (Monte Carlo {float(row['separation_mc']):.4f}), recall "
            f"{float(row['recall']):.2f} ({float(row['recall_mc']):.2f}), density {float(row['density']):.2f} "
            f"({float(row['density_mc']):.2f}), score {float(row['score']):.2f}"
        )
    return words


def why_nothing_is_selected(incident_energy_mev: np.ndarray, total_gev: np.ndarray) -> str:
    """What is wrong with held-out showers that give no chi2, in words.

    Parameters
    ----------
    incident_energy_mev, total_gev : ndarray, shape (n,)
    """
    n_empty = int((total_gev == 0).sum())
    return (
        f"nothing can be selected: the held-out showers (number {len(total_gev)}, {n_empty} of them empty, at "
        f"{len(np.unique(incident_energy_mev))} different energies) fill no histogram of the total energy at any of "
        "them; the newest checkpoint is kept as the best: give more showers, or a larger data.holdout_fraction"
    )


def chi2_judge(
    experiment: Experiment,
    source: ShowerSource,
    generator: ShowerGenerator,
    energy: np.ndarray,
    reference_gev: np.ndarray,
) -> Judge:
    """The papers' rule: chi2/NDF of the total energy on the held-out part.

    Parameters
    ----------
    energy, reference_gev : ndarray, shape (n,)
        Incident energies in MeV and total energies in GeV of the held-out showers.
    """
    attributes = source.attributes[source.holdout_rows]

    def judge() -> dict[str, str]:
        generated_gev = generator.total_energy_gev(energy, experiment.run.seed, attributes=attributes)
        table = chi2_from_totals(energy, reference_gev, energy, generated_gev)
        return {"chi2": f"{table.chi2:.8g}", "ndf": str(table.ndf)}

    return judge


def physics_judge(experiment: Experiment, source: ShowerSource, generator: ShowerGenerator, chi2: Judge) -> Judge:
    """Our rule: the geometric mean of four ratios to Monte Carlo of the same numbers of showers.

    chi2/NDF of the total energy, mean separation power, recall (inverted) and density (whichever way it is off).  A
    factor in one weighs as much as the same factor in another, and no ratio can be bought with the others: a generator
    of few modes has perfect energies, a broad one perfect recall.
    """
    reference, control = matching_control(source, source.holdout_set(JUDGED_SHOWERS))
    training, seed = source.train_set(report_events(source)), experiment.run.seed

    def judge() -> dict[str, str]:
        energy = reference.incident_energy_mev
        blocks = list(generator.blocks(energy, seed, attributes=reference.attributes))
        showers = ShowerSet(energy, np.concatenate(blocks), reference.detector, experiment.name, reference.attributes)
        comparison = compare(showers, reference, training)
        names = (CHI2, SEPARATION, RECALL, DENSITY, NEAREST)
        found = measure((METRICS[name] for name in names), comparison, make_baseline(comparison, control))
        return chi2() | _columns(found)

    return judge


def _columns(found: Results) -> dict[str, str]:
    entries = found.overall

    def pair(name: str) -> tuple[float, float]:
        values = (entries[name]["value"], entries[name]["reference_vs_reference"])
        return tuple(math.nan if value is None else value for value in values)

    separation, recall, density = pair(SEPARATION), pair(RECALL), pair(DENSITY)
    ratios = [
        _ratio(*pair(CHI2)),
        _ratio(*separation),
        _ratio(*recall[::-1]),
        max(_ratio(*density), _ratio(*density[::-1])),
    ]
    columns = {"separation": separation[0], "separation_mc": separation[1], "recall": recall[0], "recall_mc": recall[1]}
    columns |= {"density": density[0], "density_mc": density[1], "nearest_training": pair(NEAREST)[0]}
    score = math.exp(sum(math.log(ratio) for ratio in ratios) / len(ratios))
    return {name: f"{value:.6g}" for name, value in (columns | {"score": score}).items()}


def _ratio(value: float, yardstick: float) -> float:
    """``value / yardstick`` between 1e-3 and 1e3; the upper end where there is no number."""
    if not (math.isfinite(value) and yardstick > 0.0):
        return 1e3
    return min(max(value / yardstick, 1e-3), 1e3)


def warn_of_modes(row: dict[str, str]) -> None:
    """Name a generator that drops modes, and one that repeats its training showers."""
    if not row.get("separation"):
        return
    if float(row["recall"]) < DROPPING_RECALL * float(row["recall_mc"]):
        warn(
            f"recall {float(row['recall']):.2f} where Monte Carlo has {float(row['recall_mc']):.2f}: the generator "
            "drops modes (kinds of showers that it never makes)"
        )
    if float(row["nearest_training"]) < MEMORISING_RATIO:
        warn(
            f"showers are {float(row['nearest_training']):.2f} times as far from the nearest training shower as "
            "held-out ones: the generator memorises"
        )
