"""Which checkpoint is the best: rows of ``selection.csv`` (no TensorFlow)."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np


def chi2_per_ndf(row: dict[str, str]) -> float:
    """chi2/NDF of a row of ``selection.csv``; infinite where there is none, so that it is never chosen."""
    ndf = int(row["ndf"])
    value = float(row["chi2"]) / ndf if ndf else math.inf
    return math.inf if math.isnan(value) else value


def best_row(rows: Sequence[dict[str, str]]) -> dict[str, str]:
    """The row with the lowest chi2/NDF, the first of several; without any chi2/NDF the newest."""
    best = min(rows, key=chi2_per_ndf)
    return best if math.isfinite(chi2_per_ndf(best)) else max(rows, key=lambda row: int(row["iteration"]))


def in_words(row: dict[str, str]) -> str:
    """chi2/NDF with two decimals, a dash where there is none."""
    value = chi2_per_ndf(row)
    return f"{value:.2f}" if math.isfinite(value) else "-"


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
