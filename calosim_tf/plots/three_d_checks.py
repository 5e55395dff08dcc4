"""Plots of the checks of 3DGAN: cell spectrum, hits and energy in windows, mu90 and sigma90, structural similarity
(arXiv 2105.08960, figures 7 to 9).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from calosim_tf.physics.papers.three_d_energies import CurvePoint
from calosim_tf.physics.papers.three_d_gan import THRESHOLD_GEV
from calosim_tf.plots.panels import draw_histograms, histogram_of_values, panel_grid, shortened
from calosim_tf.plots.style import (
    CONTROL_COLOUR,
    GENERATED_COLOUR,
    REFERENCE_COLOUR,
    REFERENCE_FILL,
    new_figure,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WINDOW_BINS = 25
SIMILARITY_STYLES = {
    "mc_mc": ("MC vs MC", REFERENCE_COLOUR, "s"),
    "mc_gan": ("MC vs GAN", CONTROL_COLOUR, "o"),
    "gan_gan": ("GAN vs GAN", GENERATED_COLOUR, "^"),
}


def plot_cell_spectrum(
    edges_gev: np.ndarray, reference: np.ndarray, generated: np.ndarray, names: tuple[str, str]
) -> Figure:
    """Cells per shower and bin of cell energy; grey from the left is what the threshold removes (figure 7, left)."""
    figure = new_figure(7.2, 4.8)
    axes = figure.add_axes((0.13, 0.13, 0.84, 0.76))
    axes.axvspan(edges_gev[0], THRESHOLD_GEV, color=REFERENCE_FILL, alpha=0.5, linewidth=0)
    axes.stairs(reference, edges_gev, color=REFERENCE_COLOUR, linewidth=1.6, label=shortened(names[0]))
    axes.stairs(generated, edges_gev, color=GENERATED_COLOUR, linewidth=1.6, label=shortened(names[1]))
    axes.set_xscale("log")
    filled = np.concatenate([counts[counts > 0] for counts in (reference, generated)])
    if len(filled):
        axes.set_yscale("log")
        axes.set_ylim(0.5 * filled.min(), 2 * filled.max())
    axes.set_xlim(edges_gev[0], edges_gev[-1])
    axes.set_xlabel("cell energy [GeV]")
    axes.set_ylabel("cells per shower")
    figure.legend(loc="upper center", ncols=2)
    return figure


def plot_windows(
    values: Mapping[str, Sequence[tuple[np.ndarray, np.ndarray]]], labels: Sequence[str], names: tuple[str, str]
) -> Figure:
    """Distributions in windows of incident energy: a row per quantity, a column per window (figure 8).

    Parameters
    ----------
    values : mapping
        Quantity with its unit -> (reference, generated) per window, shapes (n,), (m,).
    labels : sequence of str
        Of the windows.
    names : (reference, generated)
    """
    figure, panels = panel_grid(len(values) * len(labels), len(labels), (3.6, 3.3))
    for row, (quantity, by_window) in enumerate(values.items()):
        for column, (pair, label) in enumerate(zip(by_window, labels, strict=True)):
            panel = panels[row * len(labels) + column]
            low, high = (float(end(end(part) for part in pair)) for end in (min, max))
            edges = np.linspace(low, high if high > low else low + 1.0, WINDOW_BINS + 1)
            draw_histograms(panel, edges, *(histogram_of_values(part, edges) for part in pair))
            panel.main.set_title(label)
            panel.ratio.set_xlabel(quantity)
            if column == 0:
                panel.main.set_ylabel("share of showers")
                panel.ratio.set_ylabel("ratio")
    _headline(figure, panels[0].main, names)
    return figure


def plot_response_curve(points: Sequence[CurvePoint], names: tuple[str, str]) -> Figure:
    """mu90 and sigma90/mu90 of visible over incident energy, below the deviation from the reference (figure 9)."""
    figure, panels = panel_grid(2, 2, (4.8, 4.4))
    quantities = (("mean", "mu90 of E_vis/E_inc"), ("relative_width", "sigma90/mu90"))
    usable = [point for point in points if point.reference and point.generated]
    energy = np.array([point.energy_gev for point in usable])
    for panel, (name, label) in zip(panels, quantities, strict=True):
        drawn = {}
        for who, colour, marker in (("reference", REFERENCE_COLOUR, "s"), ("generated", GENERATED_COLOUR, "o")):
            value, error = (
                np.array([getattr(getattr(point, who), field) for point in usable]) for field in (name, f"{name}_error")
            )
            panel.main.errorbar(energy, value, error, fmt=marker, markersize=5, color=colour, label=who)
            drawn[who] = (value, error)
        (expected, expected_error), (found, found_error) = drawn["reference"], drawn["generated"]
        ratio = found / expected
        error = ratio * np.hypot(found_error / found, expected_error / expected)
        panel.ratio.axhline(0.0, color=REFERENCE_COLOUR, linewidth=0.8)
        panel.ratio.errorbar(energy, 100 * (ratio - 1), 100 * error, fmt="o", markersize=4, color=GENERATED_COLOUR)
        panel.main.set_ylabel(label)
        panel.ratio.set_ylabel("dev. / %")
        panel.ratio.set_xlabel("incident energy [GeV]")
    _headline(figure, panels[0].main, names)
    return figure


def plot_similarity(scans: Mapping[str, Mapping[str, np.ndarray]], ranges_gev: Sequence[float]) -> Figure:
    """Mean structural similarity against the dynamic range, one panel per window of energy (figure 7, right).

    Parameters
    ----------
    scans : mapping
        Label of a window -> what :func:`calosim_tf.physics.distances.ssim.ssim_scan` gives.
    ranges_gev : sequence of float
    """
    inches = 3.7 * len(scans) + 0.4
    figure = new_figure(inches, 4.2)
    grid = figure.add_gridspec(1, len(scans), left=0.75 / inches, right=1 - 0.15 / inches, bottom=0.14, top=0.83)
    for column, (label, scan) in enumerate(scans.items()):
        axes = figure.add_subplot(grid[column])
        for name, (title, colour, marker) in SIMILARITY_STYLES.items():
            axes.errorbar(ranges_gev, scan[name], scan[f"{name}_error"], color=colour, marker=marker, label=title)
        axes.set_xscale("log")
        axes.set_title(label)
        axes.set_xlabel("dynamic range L / GeV")
        if column == 0:
            axes.set_ylabel("SSIM")
    figure.legend(*figure.axes[0].get_legend_handles_labels(), loc="upper center", ncols=3)
    return figure


def _headline(figure: Figure, axes, names: tuple[str, str]) -> None:
    """One legend above all panels."""
    labelled = dict(zip(*reversed(axes.get_legend_handles_labels()), strict=True))
    handles = [labelled["reference"], labelled["generated"]]
    figure.legend(handles, [shortened(name) for name in names], loc="upper center", ncols=2)
