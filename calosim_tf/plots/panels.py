"""Histogram of two samples with a ratio panel below: the element of most plots."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from calosim_tf.physics.metrics.comparison import Comparison
from calosim_tf.plots.style import GENERATED_COLOUR, REFERENCE_COLOUR, REFERENCE_FILL, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

RATIO_LIMITS = (0.5, 1.5)
# Room for the legend above all panels, and (width, height) of the room for labels between two panels.
LEGEND_INCHES = 0.3
# One panel is narrower than a legend with the names of two samples.
NARROWEST_INCHES = 7.6
GAP_INCHES = (0.72, 0.82)


@dataclass(frozen=True)
class Panel:
    """A histogram's axes and those of the ratio below it."""

    main: Axes
    ratio: Axes


def panel_grid(
    n_panels: int, columns: int, size_inches: tuple[float, float], legend_rows: int = 1
) -> tuple[Figure, list[Panel]]:
    """Figure with ``n_panels`` panels, row by row, and room for a legend above.

    Margins are fixed in inches: matplotlib's automatic layouts draw a figure of 30 axes several times to find them.

    Parameters
    ----------
    n_panels, columns : int
    size_inches : (width, height) of one panel with its ratio and labels
    legend_rows : int

    Returns
    -------
    Figure, list of Panel
    """
    columns = min(columns, n_panels)
    rows = math.ceil(n_panels / columns)
    width = max(columns * size_inches[0] + 0.2, NARROWEST_INCHES)
    height = rows * size_inches[1] + LEGEND_INCHES * legend_rows
    figure = new_figure(width, height)
    inner_width, inner_height = size_inches[0] - GAP_INCHES[0], size_inches[1] - GAP_INCHES[1]
    cells = figure.add_gridspec(
        rows,
        columns,
        left=0.78 / width,
        right=(0.78 + columns * size_inches[0] - GAP_INCHES[0]) / width,
        bottom=0.52 / height,
        top=(0.52 + rows * size_inches[1] - GAP_INCHES[1]) / height,
        wspace=GAP_INCHES[0] / inner_width,
        hspace=GAP_INCHES[1] / inner_height,
    )
    panels = []
    for i in range(n_panels):
        cell = cells[divmod(i, columns)].subgridspec(2, 1, height_ratios=(3, 1), hspace=0.06)
        main = figure.add_subplot(cell[0])
        ratio = figure.add_subplot(cell[1], sharex=main)
        main.tick_params(labelbottom=False)
        panels.append(Panel(main, ratio))
    return figure, panels


@dataclass(frozen=True)
class Histogram:
    """Share of all entries per bin and its error, both of shape (b,)."""

    share: np.ndarray
    error: np.ndarray


def histogram_of_values(values: np.ndarray, edges: np.ndarray) -> Histogram:
    """Share of the showers per bin with Poisson errors; showers outside count in the total, so shares may sum to
    less than 1.
    """
    return histogram_of_counts(np.histogram(values, edges)[0], len(values))


def histogram_of_counts(counts: np.ndarray, n_showers: int) -> Histogram:
    """Share of the showers per bin with Poisson errors."""
    total = max(n_showers, 1)
    return Histogram(counts / total, np.sqrt(counts) / total)


def histogram_of_groups(groups: np.ndarray) -> Histogram:
    """Share of the entries per bin with errors from independent groups of showers.

    Linear error propagation for a share: a group that fills all bins more (higher energies) does not count as noise.

    Parameters
    ----------
    groups : ndarray, shape (g, b)
        Counts per group.
    """
    total = max(groups.sum(), 1)
    share = groups.sum(axis=0) / total
    residual = groups - share * groups.sum(axis=1, keepdims=True)
    return Histogram(share, np.sqrt((residual**2).sum(axis=0)) / total)


def draw_histograms(panel: Panel, edges: np.ndarray, reference: Histogram, generated: Histogram) -> None:
    """Draw two histograms and, below, generated over reference with the generated error; the band is the
    reference's error.
    """
    draw_reference(panel, edges, reference)
    draw_generated(panel, edges, reference, generated)


def draw_reference(panel: Panel, edges: np.ndarray, reference: Histogram) -> None:
    """The filled histogram, and the band of its error in the ratio."""
    panel.main.stairs(reference.share, edges, fill=True, color=REFERENCE_FILL, label="reference")
    panel.main.stairs(reference.share, edges, color=REFERENCE_COLOUR, linewidth=1)
    filled = reference.share > 0
    band = np.where(filled, reference.error / np.where(filled, reference.share, 1.0), 0.0)
    panel.ratio.stairs(1 + band, edges, baseline=1 - band, fill=True, color=REFERENCE_FILL)
    panel.ratio.axhline(1, color=REFERENCE_COLOUR, linewidth=0.8)
    panel.ratio.set_ylim(*RATIO_LIMITS)
    panel.ratio.set_yticks((0.75, 1.0, 1.25))


def draw_generated(
    panel: Panel,
    edges: np.ndarray,
    reference: Histogram,
    generated: Histogram,
    colour: str = GENERATED_COLOUR,
    label: str = "generated",
) -> None:
    """The outline of a histogram with its errors, and its ratio to the reference."""
    middle = _bin_middles(edges)
    filled = generated.share > 0
    panel.main.stairs(generated.share, edges, color=colour, label=label)
    panel.main.errorbar(
        middle[filled], generated.share[filled], generated.error[filled], fmt="none", ecolor=colour, elinewidth=1
    )
    _draw_ratio(panel.ratio, edges, reference, generated, colour)


def use_log_shares(panel: Panel, *histograms: Histogram) -> None:
    """Logarithmic share axis that starts just below the smallest filled bin."""
    smallest = min((h.share[h.share > 0].min() for h in histograms if np.any(h.share > 0)), default=0.1)
    panel.main.set_yscale("log")
    largest = max((float(h.share.max()) for h in histograms), default=1.0) or 1.0
    panel.main.set_ylim(0.4 * smallest, 3 * largest)


def _bin_middles(edges: np.ndarray) -> np.ndarray:
    """Middles that look central on the axis used: geometric for log bins (constant ratio of edges), arithmetic
    otherwise.
    """
    if edges[0] > 0 and np.allclose(edges[1:] / edges[:-1], edges[1] / edges[0]):
        return np.sqrt(edges[1:] * edges[:-1])
    return (edges[1:] + edges[:-1]) / 2


def _draw_ratio(axes: Axes, edges: np.ndarray, reference: Histogram, generated: Histogram, colour: str) -> None:
    filled = reference.share > 0
    safe = np.where(filled, reference.share, 1.0)
    ratio, error, middle = generated.share / safe, generated.error / safe, _bin_middles(edges)
    low, high = RATIO_LIMITS
    both = filled & (generated.share > 0)
    inside = both & (ratio >= low) & (ratio <= high)
    axes.errorbar(middle[inside], ratio[inside], error[inside], fmt=".", color=colour, markersize=4, elinewidth=1)
    # a point outside of the shown ratios becomes a triangle at the border
    margin = 0.06 * (high - low)
    for outside, place, marker in (
        (both & (ratio > high), high - margin, "^"),
        (both & (ratio < low), low + margin, "v"),
    ):
        axes.plot(middle[outside], np.full(outside.sum(), place), marker, color=colour, markersize=4)


def add_headline(figure: Figure, panel: Panel, comparison: Comparison) -> None:
    """One legend above all panels, naming the two sources, and what else the ratio panel shows."""
    labelled = dict(zip(*reversed(panel.main.get_legend_handles_labels()), strict=True))
    names = {"reference": comparison.reference, "generated": comparison.generated}
    handles = [labelled[name] for name in names]
    labels = [shortened(sample.showers.source) for sample in names.values()]
    extra_handles, extra_labels = panel.ratio.get_legend_handles_labels()
    figure.legend(
        [*handles, *extra_handles],
        [*labels, *extra_labels],
        loc="upper center",
        ncols=len(handles) + len(extra_handles),
        columnspacing=1.2,
    )


def shortened(text: str, length: int = 42) -> str:
    """Text that fits into a legend; matplotlib's mathematics is switched off in it."""
    text = text if len(text) <= length else text[: length - 1] + "…"
    return text.replace("$", r"\$")
