"""Plots of the studies: sensitivity of the metrics, amplification, cross-checks with a classifier."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from calosim_tf.plots.style import GENERATED_COLOUR, LINE_COLOURS, REFERENCE_COLOUR, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LARGEST_SIGMA = 1000.0


def plot_sensitivity(document: Mapping[str, Any]) -> Figure:
    """Heat-map of significances, metrics against damages; what fires is coloured, the rest is grey."""
    from matplotlib.colors import LogNorm

    damages = [*document["damages"], "MC vs MC"]
    rows = list(document["metrics"].items())
    limit = document["fires_at_sigma"]
    height = 0.24 * len(rows) + 1.95
    figure = new_figure(9.5, height)
    axes = figure.add_axes((0.34, 0.25 / height, 0.56, 1 - 1.65 / height))
    sigmas = np.full((len(rows), len(damages)), np.nan)
    fires_above = np.full((len(rows), 1), np.inf)
    for i, (_, entry) in enumerate(rows):
        if "damages" in entry:
            fires_above[i] = entry["fires_above"]
            sigmas[i] = [*(entry["damages"][damage]["sigmas"] for damage in document["damages"]), entry["mc_vs_mc"]]
    shown = np.ma.masked_where(~(sigmas > fires_above), sigmas)
    axes.set_facecolor("#ececec")
    image = axes.imshow(shown, aspect="auto", cmap="viridis_r", norm=LogNorm(limit, LARGEST_SIGMA))
    for (i, j), value in np.ndenumerate(sigmas):
        _write_cell(axes, i, j, value, fires_above[i, 0])
    axes.set_xticks(range(len(damages)), [damage.replace("_", "\n") for damage in damages], fontsize=9)
    axes.xaxis.tick_top()
    axes.set_yticks(range(len(rows)), [name for name, _ in rows], fontsize=8)
    axes.tick_params(length=0)
    axes.axvline(len(damages) - 1.5, color="white", linewidth=4)
    bar = figure.colorbar(image, cax=figure.add_axes((0.92, 0.25 / height, 0.015, 1 - 1.65 / height)), extend="max")
    bar.set_label("significance in standard deviations (coloured where the metric fires)")
    counts = document["showers"]
    axes.set_title(
        f"{document['sample']}: {counts['generated']} damaged against {counts['reference']} reference showers,\n"
        f"standard deviations of {document['resamples']} partitions of Monte Carlo",
        pad=48,
        fontsize=10,
    )
    return figure


def _write_cell(axes, i: int, j: int, value: float, limit: float) -> None:
    if not np.isfinite(value):
        text, colour = "n/a", "#777777"
    else:
        text = f"{value:.1f}" if value < 10 else f"{value:.0f}" if value < 1e4 else "> 9999"
        colour = "#777777" if value <= limit else ("white" if value > 60 else "black")
    axes.text(j, i, text, ha="center", va="center", fontsize=7.5, color=colour)


def plot_amplification(document: Mapping[str, Any]) -> Figure:
    """Quantile MSE against the number of generated points, beside samples of the truth; one panel per observable."""
    panels = document["observables"]
    columns = min(3, len(panels))
    n_rows = -(-len(panels) // columns)
    width, height = 4.2 * columns + 0.4, 3.7 * n_rows + 0.9
    figure = new_figure(width, height)
    figure.subplots_adjust(
        left=0.75 / width, right=1 - 0.15 / width, bottom=0.6 / height, top=1 - 0.85 / height, hspace=0.42, wspace=0.28
    )
    for i, (name, found) in enumerate(panels.items()):
        axes = figure.add_subplot(n_rows, columns, i + 1)
        _draw_amplification(axes, document, found)
        axes.set_title(name, fontsize=10)
        if i % columns == 0:
            axes.set_ylabel("quantile MSE")
        if i >= len(panels) - columns:
            axes.set_xlabel("points")
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(handles, labels, loc="upper center", ncols=min(len(handles), 4), fontsize=9)
    return figure


def _draw_amplification(axes, document: Mapping[str, Any], found: Mapping[str, Any]) -> None:
    sizes = np.array([point["points"] for point in found["truth"]], dtype=float)
    expected = np.array([point["expected"] for point in found["truth"]])
    axes.plot(sizes, expected, color=REFERENCE_COLOUR, linewidth=1, label="samples of the truth (expected)")
    axes.axvline(document["training"], color=REFERENCE_COLOUR, linestyle=":", linewidth=1, label="training points")
    for level in ("training_sample", "fit"):
        if level in found:
            colour = {"training_sample": LINE_COLOURS[0], "fit": LINE_COLOURS[2]}[level]
            mse, error = found[level]["mse"], found[level]["error"]
            axes.axhline(mse, color=colour, linestyle="--", linewidth=1.2, label=level.replace("_", " "))
            axes.axhspan(mse - error, mse + error, color=colour, alpha=0.2, linewidth=0)
    made = found["generated"]
    points, mse, error = (np.array([point[key] for point in made]) for key in ("points", "mse", "error"))
    axes.errorbar(points, mse, error, fmt="o-", color=GENERATED_COLOUR, markersize=4, label=document["generator"])
    axes.set_xscale("log")
    axes.set_yscale("log")


def plot_triforce(document: Mapping[str, Any]) -> Figure:
    """Accuracies of the 2 x 2 grid, and bias and resolution of the regressor against energy."""
    figure = new_figure(12.0, 4.6)
    figure.subplots_adjust(left=0.06, right=0.985, bottom=0.13, top=0.82, wspace=0.25)
    grid = document["grid"]
    axes = figure.add_subplot(1, 3, 1)
    for i, (name, cell) in enumerate(grid.items()):
        colour = LINE_COLOURS[i]
        for j, particle in enumerate(document["particles"]):
            accuracy = cell["accuracy"][particle]
            style = {"fmt": "os"[j], "color": colour, "markersize": 6, "fillstyle": "full" if j == 0 else "none"}
            axes.errorbar(
                i + 0.2 * j - 0.1, accuracy["value"], accuracy["error"], label=name if j == 0 else None, **style
            )
    axes.set_xticks([])
    axes.set_title("accuracy: full " + " and open ".join(document["particles"]), fontsize=10)
    for place, (key, title) in enumerate(
        (("bias", "mean of (E found - E)/E"), ("resolution", "half of the central 68 % of (E found - E)/E"))
    ):
        axes_energy = figure.add_subplot(1, 3, place + 2)
        for i, cell in enumerate(grid.values()):
            rows = cell["energy"]
            energy, value, error = (np.array([row[k] for row in rows]) for k in ("energy_gev", key, f"{key}_error"))
            axes_energy.errorbar(energy * 1.03**i, value, error, fmt=".-", color=LINE_COLOURS[i], linewidth=1)
        axes_energy.set_xscale("log")
        axes_energy.set_xlabel("incident energy [GeV]")
        axes_energy.set_title(title, fontsize=10)
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(handles, labels, loc="upper center", ncols=2)
    return figure
