"""Layer energies, voxel spectrum, energy centres and widths, all energies together, in the official bins."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from calosim_tf.physics.metrics.comparison import Comparison
from calosim_tf.physics.metrics.layer_shapes import layer_edges, voxel_spectrum_edges
from calosim_tf.plots.panels import (
    Panel,
    add_headline,
    draw_histograms,
    histogram_of_groups,
    histogram_of_values,
    panel_grid,
    use_log_shares,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOMENTS = ("centre_eta", "centre_phi", "width_eta", "width_phi")
CELL_MOMENTS = ("centre_x", "centre_y", "width_x", "width_y")
# Layers of a plot; a detector with more shows this many, evenly spaced
MAX_LAYERS, MAX_MOMENT_LAYERS = 12, 7
# Share of the reference that may lie outside of the shown part of the official range, per side.
SHOWN_PERCENTILES = (0.3, 99.7)


def shown_layers(layers: tuple[int, ...], maximum: int) -> tuple[int, ...]:
    """``layers``, or ``maximum`` of them evenly spaced with the first and the last."""
    if len(layers) <= maximum:
        return layers
    return tuple(layers[round(place)] for place in np.linspace(0, len(layers) - 1, maximum))


def plot_layer_energies(comparison: Comparison) -> Figure:
    """Energy per layer above the voxel threshold, 39 log bins."""
    quantity = "energy_thresholded"
    layers = shown_layers(comparison.reference.layers_with(quantity), MAX_LAYERS)
    lowest_mev = comparison.reference.showers.detector.threshold_mev
    figure, panels = panel_grid(len(layers), 3, (4.0, 3.6))
    for panel, layer_id in zip(panels, layers, strict=True):
        _draw_feature(panel, comparison, quantity, layer_id)
        panel.ratio.set_xscale("log")
        panel.main.set_title(f"layer {layer_id}")
        panel.ratio.set_xlabel("layer energy [MeV]")
        empty = [
            100 * np.mean(sample.layer(quantity, layer_id) < lowest_mev)
            for sample in (comparison.reference, comparison.generated)
        ]
        panel.main.text(
            0.04,
            0.96,
            f"below {lowest_mev:.2g} MeV: {empty[0]:.1f} % | {empty[1]:.1f} %",
            transform=panel.main.transAxes,
            va="top",
        )
        panel.main.set_ylabel("share of showers")
        panel.ratio.set_ylabel("ratio")
    add_headline(figure, panels[0], comparison)
    return figure


def plot_moments(comparison: Comparison) -> Figure:
    """Energy centres and widths in eta and phi, or x and y, one row per layer that has them."""
    moments = MOMENTS if comparison.reference.layers_with(MOMENTS[0]) else CELL_MOMENTS
    layers = shown_layers(comparison.reference.layers_with(moments[0]), MAX_MOMENT_LAYERS)
    figure, panels = panel_grid(len(layers) * len(moments), len(moments), (3.1, 3.5))
    cells = [(layer_id, quantity) for layer_id in layers for quantity in moments]
    for panel, (layer_id, quantity) in zip(panels, cells, strict=True):
        _draw_feature(panel, comparison, quantity, layer_id)
        low, high = np.percentile(comparison.reference.layer(quantity, layer_id), SHOWN_PERCENTILES)
        if high > low:
            panel.main.set_xlim(low - 0.1 * (high - low), high + 0.1 * (high - low))
        kind, axis = quantity.split("_")
        panel.main.set_title(f"layer {layer_id}: {kind} in {axis}")
        panel.ratio.set_xlabel(f"{kind} in {axis} [mm]")
        if quantity == moments[0]:
            panel.main.set_ylabel("share of showers")
            panel.ratio.set_ylabel("ratio")
    add_headline(figure, panels[0], comparison)
    return figure


def _draw_feature(panel: Panel, comparison: Comparison, quantity: str, layer_id: int) -> None:
    edges = layer_edges(comparison, quantity, layer_id)
    samples = (comparison.reference, comparison.generated)
    histograms = [histogram_of_values(sample.layer(quantity, layer_id), edges) for sample in samples]
    draw_histograms(panel, edges, *histograms)
    use_log_shares(panel, *histograms)


def plot_voxel_spectrum(comparison: Comparison) -> Figure:
    """Energies of single voxels above the threshold, 49 log bins; errors from the spread over groups of showers."""
    edges = voxel_spectrum_edges(comparison)
    figure, (panel,) = panel_grid(1, 1, (7.5, 5.0))
    samples = (comparison.reference, comparison.generated)
    histograms = [histogram_of_groups(sample.spectrum(edges)) for sample in samples]
    draw_histograms(panel, edges, *histograms)
    use_log_shares(panel, *histograms)
    panel.ratio.set_xscale("log")
    panel.main.set_ylabel(f"share of voxels above {edges[0]:.2g} MeV")
    panel.ratio.set_ylabel("ratio")
    panel.ratio.set_xlabel("voxel energy [MeV]")
    add_headline(figure, panel, comparison)
    return figure
