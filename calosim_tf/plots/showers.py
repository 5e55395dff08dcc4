"""Mean shower per layer: reference, generated, and their ratio.

Rings are drawn in polar coordinates with a logarithmic radius, rectangular cells in their positions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from calosim_tf.geometry import CellLayer, VoxelLayer
from calosim_tf.physics.metrics.comparison import Comparison
from calosim_tf.plots.panels import shortened
from calosim_tf.plots.spectra import shown_layers
from calosim_tf.plots.style import new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.collections import QuadMesh
    from matplotlib.figure import Figure
    from matplotlib.projections.polar import PolarAxes

RADIUS_TICKS_MM = (1, 10, 100, 1000)
# Straight pieces that a ring is drawn with.
RING_PIECES = 120
RATIO_COLOUR_LIMITS = (0.5, 2.0)
# Layers of the plot; a detector with more shows this many, evenly spaced
MAX_LAYERS = 5
# Decades of mean energy below the hottest voxel that the colour scale spans.
COLOUR_DECADES = 5


def log_radius(r_mm: np.ndarray) -> np.ndarray:
    """log10(1 + r / 1 mm): logarithmic outside of a millimetre and 0 on the axis."""
    return np.log10(1.0 + np.asarray(r_mm, dtype=np.float64))


def plot_mean_shower(comparison: Comparison) -> Figure:
    """Mean energy per voxel, no threshold, all energies together: one row per layer."""
    from matplotlib.colors import LogNorm

    detector = comparison.reference.showers.detector
    means = [sample.mean_shower for sample in (comparison.reference, comparison.generated)]
    sources = [sample.showers.source for sample in (comparison.reference, comparison.generated)]
    titles = (*(shortened(source, 26) for source in sources), "generated / reference")
    layer_ids = shown_layers(detector.layer_ids, MAX_LAYERS)
    layers = [layer for layer in detector.layers if layer.layer_id in layer_ids]
    rows = len(layers)
    height = 2.8 * rows + 0.3
    figure = new_figure(10.5, height)
    cells = figure.add_gridspec(
        rows,
        6,  # reference, generated, their colour bar, room for its label, ratio, its colour bar
        width_ratios=(1, 1, 0.05, 0.12, 1, 0.05),
        left=0.08,
        right=0.93,
        bottom=(0.35 if isinstance(layers[0], VoxelLayer) else 0.6) / height,
        top=1 - 0.75 / height,
        wspace=0.3,
        hspace=0.3,
    )
    for i, layer in enumerate(layers):
        projection, draw = ("polar", _draw_rings) if isinstance(layer, VoxelLayer) else (None, _draw_cells)
        axes = [figure.add_subplot(cells[i, column], projection=projection) for column in (0, 1, 4)]
        bars = [figure.add_subplot(cells[i, column]) for column in (2, 5)]
        voxels = detector.layer_slices[layer.layer_id]
        images = [mean[voxels].reshape(layer.shape) for mean in means]
        hottest = max(float(images[0].max()), 1e-12)
        energy_norm = LogNorm(hottest / 10**COLOUR_DECADES, hottest, clip=True)
        for ax, image in zip(axes[:2], images, strict=True):
            mesh = draw(ax, layer, np.ma.masked_less_equal(image, 0), cmap="viridis", norm=energy_norm)
        figure.colorbar(mesh, cax=bars[0], label="MeV per voxel" if isinstance(layer, VoxelLayer) else "MeV per cell")
        ratio = np.divide(images[1], images[0], out=np.zeros_like(images[0]), where=images[0] > 0)
        ratio_norm = LogNorm(*RATIO_COLOUR_LIMITS, clip=True)
        mesh = draw(axes[2], layer, np.ma.masked_less_equal(ratio, 0), cmap="RdBu_r", norm=ratio_norm)
        bar = figure.colorbar(mesh, cax=bars[1], ticks=(0.5, 0.7, 1.0, 1.4, 2.0), format="%g")
        bar.ax.minorticks_off()
        if isinstance(layer, VoxelLayer):
            axes[0].set_ylabel(f"layer {layer.layer_id}", labelpad=34, fontsize=12)
        else:
            axes[0].set_ylabel(f"layer {layer.layer_id}\n{layer.row_axis} [mm]")
            for ax in axes[1:]:
                ax.set_yticklabels([])
        if i == 0:
            for ax, title in zip(axes, titles, strict=True):
                ax.set_title(title, pad=20 if isinstance(layer, VoxelLayer) else 8)
    return figure


def _draw_cells(axes: Axes, layer: CellLayer, image: np.ma.MaskedArray, **colours: object) -> QuadMesh:
    """Draw one layer; ``image`` has shape (rows, columns)."""
    mesh = axes.pcolormesh(layer.column_edges_mm, layer.row_edges_mm, image, **colours)
    axes.set_xlabel(f"{layer.column_axis} [mm]")
    return mesh


def _draw_rings(axes: PolarAxes, layer: VoxelLayer, image: np.ma.MaskedArray, **colours: object) -> QuadMesh:
    """Draw one layer; ``image`` has shape (n_alpha, n_r)."""
    pieces = max(1, RING_PIECES // layer.n_alpha)
    fine = np.ma.repeat(image, pieces, axis=0)  # (n_alpha * pieces, n_r): a wide bin must look round
    alpha = np.linspace(-np.pi, np.pi, layer.n_alpha * pieces + 1)
    mesh = axes.pcolormesh(alpha, log_radius(layer.r_edges_mm), fine.T, **colours)
    outer = layer.r_edges_mm[-1]
    ticks = [tick for tick in RADIUS_TICKS_MM if log_radius(tick) < 0.8 * log_radius(outer)]
    axes.set_yticks(log_radius(ticks), [str(tick) for tick in ticks])
    axes.set_ylim(0, log_radius(outer))
    axes.set_rlabel_position(22)
    axes.tick_params(axis="y", labelsize=8)
    axes.set_xticks(np.arange(4) * np.pi / 2, ("η", "φ", "-η", "-φ"))
    axes.tick_params(axis="x", pad=1)
    axes.grid(alpha=0.4, linewidth=0.6)
    return mesh
