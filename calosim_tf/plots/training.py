"""Selection chi2 and losses against the training iteration."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from calosim_tf.plots.style import GENERATED_COLOUR, LINE_COLOURS, REFERENCE_COLOUR, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PANELS_PER_ROW = 2


def plot_selection(table: Mapping[str, np.ndarray], mc_vs_mc: float | None) -> Figure:
    """chi2/NDF of each checkpoint, the chosen one, and the value of Monte Carlo against Monte Carlo.

    Parameters
    ----------
    table : mapping of str to ndarray, shape (checkpoints,)
        Columns iteration, chi2, ndf, chosen.  Of several rows marked as chosen (each was the best in its time) the
        best counts.
    mc_vs_mc : float or None
        Drawn as a horizontal line.
    """
    from matplotlib.ticker import LogFormatter, StrMethodFormatter

    iteration, ndf = table["iteration"], table["ndf"]
    value = np.divide(table["chi2"], ndf, out=np.full(len(ndf), np.nan), where=ndf > 0)
    figure = new_figure(8.0, 4.5)
    axes = figure.add_axes((0.1, 0.13, 0.87, 0.84))
    axes.plot(iteration, value, ".-", color=LINE_COLOURS[0], linewidth=1, label="checkpoints")
    chosen = np.flatnonzero((table["chosen"] == 1) & np.isfinite(value))
    if len(chosen):
        best = chosen[np.argmin(value[chosen])]
        label = f"chosen: {iteration[best]:.0f}, χ²/NDF = {value[best]:.2f}"
        axes.plot(iteration[best], value[best], "D", color=GENERATED_COLOUR, markersize=8, label=label)
    if mc_vs_mc is not None:
        axes.axhline(mc_vs_mc, color=REFERENCE_COLOUR, linestyle="--", label=f"MC vs MC: {mc_vs_mc:.2f}")
    if np.any(value > 0):
        axes.set_yscale("log")
        # the values lie within a decade or two: plain numbers read better than powers of ten
        axes.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
        axes.yaxis.set_minor_formatter(LogFormatter(minor_thresholds=(2, 0.5)))
    axes.set_xlabel("iteration")
    axes.set_ylabel("χ²/NDF of the total energy")
    axes.legend()
    return figure


def plot_losses(table: Mapping[str, np.ndarray]) -> Figure:
    """Every numeric column of the history against the column ``iteration``, one panel each."""
    iteration = table["iteration"]
    terms = {name: v for name, v in table.items() if name != "iteration" and np.isfinite(v).any()}
    rows = max(1, -(-len(terms) // PANELS_PER_ROW))
    height = 2.6 * rows + 0.3
    figure = new_figure(10.0, height)
    figure.subplots_adjust(left=0.08, right=0.98, bottom=0.55 / height, top=1 - 0.35 / height, hspace=0.4, wspace=0.2)
    for i, (name, values) in enumerate(terms.items()):
        axes = figure.add_subplot(rows, min(PANELS_PER_ROW, len(terms)), i + 1)
        shown = np.isfinite(values)
        axes.plot(iteration[shown], values[shown], color=LINE_COLOURS[i % len(LINE_COLOURS)], linewidth=1)
        axes.set_title(name.replace("_", " ").replace("$", r"\$"))
        axes.axhline(0, color=REFERENCE_COLOUR, linewidth=0.6)
        if i >= len(terms) - PANELS_PER_ROW:
            axes.set_xlabel("iteration")
    return figure
