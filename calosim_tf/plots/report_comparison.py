"""Plots of several reports: distances of all metrics, overlaid features, numbers against energy."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from calosim_tf.physics.metrics.written import NamedReport, headline_metrics, worst_histograms
from calosim_tf.plots.features import MAX_FEATURES, plot_features_together
from calosim_tf.plots.panels import Panel, panel_grid, shortened
from calosim_tf.plots.style import CONTROL_COLOUR, LINE_COLOURS, REFERENCE_COLOUR, new_figure, plot_style, save_picture

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MAX_ENERGY_PANELS = 12
COLUMNS = 3
MAX_PULL = 10.0
MARKERS = "osD^vPX"


def draw_comparison(reports: Sequence[NamedReport], folder: Path) -> Iterator[tuple[str, str, str]]:
    """Draw into ``folder/<name>.png``; yields name, title and caption."""
    with plot_style():
        save_picture(plot_distances(reports), folder / "distances.png")
        yield (
            "distances",
            "Distance from the ideal, worst first",
            "How many times further from its ideal value each metric is than Monte Carlo against Monte Carlo (dashed"
            " line: as far).",
        )
        histograms = worst_histograms(reports, MAX_FEATURES)
        if histograms:
            figure = plot_features_together(histograms, [report.name for report in reports])
            save_picture(figure, folder / "features.png")
            yield (
                "features",
                "Worst features first",
                "The features in which a generator is worst, all incident energies. Ratio: generated over reference,"
                " band: error of the reference.",
            )
        names = [name for name in headline_metrics(reports) if _is_per_energy(reports[0], name)][:MAX_ENERGY_PANELS]
        if names:
            save_picture(plot_against_energy(reports, names), folder / "per_energy.png")
            yield (
                "per_energy",
                "Against the incident energy",
                "Metrics at each incident energy, worst first. Band: Monte Carlo against Monte Carlo of the first"
                " report. Lower panel: difference from it in units of both errors, at the border where it is more"
                " than 10.",
            )


def _is_per_energy(report: NamedReport, name: str) -> bool:
    entries = [at[name] for at in report.document["per_energy"].values() if name in at]
    return len(entries) > 1 and entries[0]["ideal"] is not None


def plot_distances(reports: Sequence[NamedReport]) -> Figure:
    """Distance from the ideal of each headline metric, one marker per generator."""
    names = [name for name in headline_metrics(reports) if any(report.distance(name) > 0 for report in reports)]
    height = 0.32 * len(names) + 1.2 + 0.25 * len(reports)
    figure = new_figure(9.0, height)
    top = 0.25 * len(reports) + 0.2
    axes = figure.add_axes((0.36, 0.6 / height, 0.61, 1 - (top + 0.6) / height))
    places = np.arange(len(names))[::-1]
    for i, report in enumerate(reports):
        distance = np.array([report.distance(name) for name in names])
        shown = distance > 0
        style = {"marker": MARKERS[i % len(MARKERS)], "linestyle": "none", "color": LINE_COLOURS[i % len(LINE_COLOURS)]}
        axes.plot(distance[shown], places[shown], label=shortened(report.name, 80), markersize=7, **style)
    axes.axvline(1, color=REFERENCE_COLOUR, linestyle="--", linewidth=1)
    axes.set_xscale("log")
    axes.set_yticks(places, names)
    axes.set_ylim(-0.7, len(names) - 0.3)
    axes.grid(axis="y", linewidth=0.4)
    axes.set_xlabel("distance from the ideal, in units of that of MC vs MC")
    axes.legend(loc="lower center", bbox_to_anchor=(0.3, 1.0))
    return figure


def plot_against_energy(reports: Sequence[NamedReport], names: Sequence[str]) -> Figure:
    """Metrics at each incident energy, the band of Monte Carlo against Monte Carlo, and the difference from it."""
    legend_rows = -(-(len(reports) + 1) // COLUMNS)
    figure, panels = panel_grid(len(names), COLUMNS, (4.0, 3.6), legend_rows)
    for panel, name in zip(panels, names, strict=True):
        _draw_metric(panel, reports, name)
    handles, labels = panels[0].main.get_legend_handles_labels()
    figure.legend(handles, [shortened(label) for label in labels], loc="upper center", ncols=COLUMNS)
    return figure


def _draw_metric(panel: Panel, reports: Sequence[NamedReport], name: str) -> None:
    energy, floor, floor_error = _series(reports[0], name, "reference_vs_reference", "reference_vs_reference_error")
    band = (energy, floor - floor_error, floor + floor_error)
    panel.main.fill_between(*band, color=CONTROL_COLOUR, alpha=0.5, linewidth=0, label="MC vs MC")
    for i, report in enumerate(reports):
        colour, marker = LINE_COLOURS[i % len(LINE_COLOURS)], MARKERS[i % len(MARKERS)]
        at, value, error = _series(report, name, "value", "error")
        style = {"fmt": marker, "color": colour, "markersize": 4, "elinewidth": 1}
        panel.main.errorbar(at, value, error, label=report.name, **style)
        _, own_floor, own_error = _series(report, name, "reference_vs_reference", "reference_vs_reference_error")
        spread = np.hypot(np.nan_to_num(error), np.nan_to_num(own_error))
        pull = np.divide(value - own_floor, spread, out=np.full(len(at), np.nan), where=spread > 0)
        panel.ratio.plot(at, np.clip(pull, -MAX_PULL, MAX_PULL), marker, color=colour, markersize=4, clip_on=False)
    panel.ratio.axhline(0, color=REFERENCE_COLOUR, linewidth=0.8)
    panel.ratio.set_xscale("log")
    panel.ratio.set_ylim(-MAX_PULL, MAX_PULL)
    panel.ratio.set_yticks((-5, 0, 5))
    panel.ratio.set_xlabel("incident energy [GeV]")
    panel.ratio.set_ylabel("pull")
    panel.main.set_title(name, fontsize=10)


def _series(report: NamedReport, name: str, key: str, error_key: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Energies in GeV, a field and its error, NaN where there is none: arrays of shape (k,)."""
    entries = {float(energy): at[name] for energy, at in report.document["per_energy"].items() if name in at}
    energies = sorted(entries)
    columns = (
        np.array([np.nan if entries[energy][field] is None else entries[energy][field] for energy in energies], float)
        for field in (key, error_key)
    )
    return np.array(energies) / 1000, *columns
