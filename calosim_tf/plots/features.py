"""Histograms of single high-level features, the worst ones first: of one generator, or of several overlaid."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from calosim_tf.physics.metrics.comparison import Comparison
from calosim_tf.physics.metrics.feature_histograms import FeatureHistogram, feature_histograms
from calosim_tf.physics.metrics.metric import Results, distance_from_ideal
from calosim_tf.plots.panels import (
    Panel,
    add_headline,
    draw_generated,
    draw_reference,
    histogram_of_counts,
    panel_grid,
    shortened,
    use_log_shares,
)
from calosim_tf.plots.style import GENERATED_COLOUR, LINE_COLOURS

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MAX_FEATURES = 12
COLUMNS = 3
# Share of each sample that may lie outside of the shown range, per side
OUTSIDE = 0.002


def plot_worst_features(comparison: Comparison, results: Results) -> Figure:
    """The features furthest from Monte Carlo against Monte Carlo, generated over reference."""
    histograms = {h.name: h for h in feature_histograms(comparison) if h.name in results.overall}
    distance = {name: distance_from_ideal(results.overall[name]) for name in histograms}
    chosen = worst_names(distance)
    figure, panels = panel_grid(len(chosen), COLUMNS, (4.0, 3.6))
    for panel, name in zip(panels, chosen, strict=True):
        draw_feature(panel, [histograms[name]], (GENERATED_COLOUR,), ("generated",))
        panel.main.set_title(f"{distance[name]:.3g} times MC vs MC", fontsize=10)
    _label_columns(panels)
    add_headline(figure, panels[0], comparison)
    return figure


def worst_names(distance: Mapping[str, float]) -> list[str]:
    """Names of the features to draw, the largest distance first."""
    return sorted(distance, key=lambda name: -distance[name])[:MAX_FEATURES]


def plot_features_together(histograms: Mapping[str, Sequence[FeatureHistogram]], generators: Sequence[str]) -> Figure:
    """The same features of several generators over one reference.

    Parameters
    ----------
    histograms : mapping of str to sequence of FeatureHistogram
        Name of the feature, then one histogram per generator, all with the reference and edges of the first.
    generators : sequence of str
        At most seven: there are no more colours that everybody can distinguish.
    """
    legend_rows = -(-(len(generators) + 1) // COLUMNS)
    figure, panels = panel_grid(len(histograms), COLUMNS, (4.0, 3.6), legend_rows)
    for panel, of_feature in zip(panels, histograms.values(), strict=True):
        draw_feature(panel, of_feature, LINE_COLOURS, generators)
    _label_columns(panels)
    handles, labels = panels[0].main.get_legend_handles_labels()
    figure.legend(handles, [shortened(label) for label in labels], loc="upper center", ncols=COLUMNS, columnspacing=1.2)
    return figure


def draw_feature(
    panel: Panel, histograms: Sequence[FeatureHistogram], colours: Iterable[str], labels: Iterable[str]
) -> None:
    """One feature: the reference of the first histogram, and the generated showers of each."""
    first = histograms[0]
    reference = histogram_of_counts(first.reference, first.n_reference)
    draw_reference(panel, first.edges, reference)
    shares = [reference]
    for histogram, colour, label in zip(histograms, colours, labels, strict=False):
        shares.append(histogram_of_counts(histogram.generated, histogram.n_generated))
        draw_generated(panel, first.edges, reference, shares[-1], colour, label)
    use_log_shares(panel, *shares)
    panel.ratio.set_xlabel(first.label)
    if "[MeV]" in first.label:
        panel.ratio.set_xscale("log")
    else:
        panel.ratio.set_xlim(_shown_range(first.edges, [first.reference, *(h.generated for h in histograms)]))


def _shown_range(edges: np.ndarray, counts: Iterable[np.ndarray]) -> tuple[float, float]:
    """Edges between which the samples lie, but for a few showers; all edges for empty histograms."""
    low, high = len(edges) - 1, 0
    for one in counts:
        below = np.cumsum(one) / max(one.sum(), 1)
        filled = np.flatnonzero((below > OUTSIDE) & (below - one / max(one.sum(), 1) < 1 - OUTSIDE))
        if len(filled):
            low, high = min(low, filled[0]), max(high, filled[-1] + 1)
    return (edges[low], edges[high]) if high > low else (edges[0], edges[-1])


def _label_columns(panels: Sequence[Panel]) -> None:
    for panel in panels[::COLUMNS]:
        panel.main.set_ylabel("share of showers")
        panel.ratio.set_ylabel("ratio")
