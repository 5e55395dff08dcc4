"""Plots of Conditional CaloGAN, for any detector of rectangular cells: mean images (Fig. 1), nearest neighbours (Fig.
2), walks along a condition (Figs. 3 to 5) and requested against reconstructed attributes.

Rows run downwards as in the paper: a particle of larger x0 makes a shower further down.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from calosim_tf.geometry import CellLayer, VoxelDetector
from calosim_tf.physics.distances.nearest_neighbours import LayerNeighbours, Memorisation
from calosim_tf.physics.papers.mean_images import LayerImages
from calosim_tf.physics.papers.traversal import ENERGY, Curve, Path, Walk
from calosim_tf.plots.panels import shortened
from calosim_tf.plots.style import GENERATED_COLOUR, LINE_COLOURS, REFERENCE_COLOUR, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Normalize
    from matplotlib.figure import Figure

# Decades below the hottest cell that the colour scale spans
COLOUR_DECADES = 5
RATIO_LIMITS = (0.5, 2.0)
# More layers than this would be too small to see: those with the most energy are drawn
MAX_LAYERS = 4
PROFILE_BINS = 12
DISTANCE_BINS = 50


def shown_layers(detector: VoxelDetector, mean_shower_mev: np.ndarray) -> tuple[CellLayer, ...]:
    """The layers with the most energy, at most ``MAX_LAYERS``, in detector order."""
    energy = [float(mean_shower_mev[voxels].sum()) for voxels in detector.layer_slices.values()]
    kept = np.sort(np.argsort(energy, kind="stable")[::-1][:MAX_LAYERS])
    return tuple(detector.layers[number] for number in kept)


def plot_mean_images(detector: VoxelDetector, images: Sequence[LayerImages], names: tuple[str, str]) -> Figure:
    """Mean image per layer, log colours: real, generated and their ratio (Fig. 1).

    Parameters
    ----------
    detector : VoxelDetector
    images : sequence of LayerImages
        Of all layers.
    names : (reference, generated)
    """
    from matplotlib.colors import LogNorm

    mean = np.concatenate([image.reference_mev.ravel() for image in images])
    layers = shown_layers(detector, mean)
    by_id = {image.layer_id: image for image in images}
    figure = new_figure(3.6 * len(layers), 8.2)
    axes = figure.subplots(3, len(layers), squeeze=False)
    for column, layer in zip(axes.T, layers, strict=True):
        image = by_id[layer.layer_id]
        norm = _log_norm(image.reference_mev)
        for panel, picture, name in zip(column, (image.reference_mev, image.generated_mev), names, strict=False):
            _show(panel, layer, np.ma.masked_less_equal(picture, 0.0), norm, "viridis", "MeV per cell")
            panel.set_title(f"layer {layer.layer_id}: {shortened(name, 24)}", fontsize=10)
        both = (image.reference_mev > 0) & (image.generated_mev > 0)
        ratio = np.ma.masked_where(~both, image.generated_mev / np.where(both, image.reference_mev, 1.0))
        _show(column[2], layer, ratio, LogNorm(*RATIO_LIMITS, clip=True), "RdBu_r", "")
        column[2].set_title(f"generated / real, energy {image.energy_ratio:.3g}", fontsize=10)
    _set_margins(figure, left=0.35, right=0.75, bottom=0.3, top=0.3, between=(1.2, 0.6))
    return figure


def plot_neighbours(
    detector: VoxelDetector,
    neighbours: Sequence[LayerNeighbours],
    reference_mev: np.ndarray,
    generated_mev: np.ndarray,
    incident_energy_mev: np.ndarray,
) -> Figure:
    """Real showers (below) with their nearest generated neighbours (above), layer by layer (Fig. 2).

    Parameters
    ----------
    detector : VoxelDetector
    neighbours : sequence of LayerNeighbours
        Of all layers.
    reference_mev, generated_mev : ndarray, shape (n, n_voxels), (m, n_voxels)
    incident_energy_mev : ndarray, shape (n,)
        Of the real showers.
    """
    rows = neighbours[0].reference_rows
    layers = shown_layers(detector, reference_mev[rows].mean(axis=0))
    by_id = {item.layer_id: item for item in neighbours}
    figure = new_figure(12, 2.6 * len(layers) + 0.5)
    axes = figure.subplots(2 * len(layers), len(rows), squeeze=False)
    for pair, layer in zip(axes.reshape(len(layers), 2, -1), layers, strict=True):
        found = by_id[layer.layer_id]
        real = detector.layer_image(reference_mev[rows], layer.layer_id)
        made = detector.layer_image(generated_mev[found.generated.rows], layer.layer_id)
        for number in range(len(rows)):
            # one scale per pair: the same colour is the same energy
            norm = _log_norm(real[number])
            for panel, picture in zip(pair[:, number], (made[number], real[number]), strict=True):
                _picture(panel, layer, np.ma.masked_less_equal(picture, 0.0), norm, "viridis")
            distance = found.generated.distance[number]
            pair[0, number].set_title(f"{distance:.0f} MeV" if distance >= 100 else f"{distance:.3g} MeV", fontsize=9)
            if layer is layers[-1]:
                pair[1, number].set_xlabel(f"{incident_energy_mev[rows[number]] / 1e3:.3g} GeV")
        pair[0, 0].set_ylabel(f"generated\nlayer {layer.layer_id}", fontsize=9)
        pair[1, 0].set_ylabel("real", fontsize=9)
    figure.suptitle("nearest generated neighbour of real showers; above: distance, below: incident energy", fontsize=11)
    _set_margins(figure, left=0.55, right=0.1, bottom=0.3, top=0.6, between=(0.15, 0.35))
    return figure


def plot_memorisation(generated: np.ndarray, held_out: np.ndarray, result: Memorisation) -> Figure:
    """Distances to the nearest training shower of generated and held-out showers, both of shape (n,)."""
    figure = new_figure(6.6, 4.4)
    axes = figure.add_axes((0.12, 0.13, 0.85, 0.77))
    positive = np.concatenate([generated, held_out])
    positive = positive[positive > 0]
    edges = np.geomspace(positive.min(), positive.max() * (1 + 1e-9), DISTANCE_BINS + 1)
    for values, colour, name in ((held_out, REFERENCE_COLOUR, "held out"), (generated, GENERATED_COLOUR, "generated")):
        # copies, at distance 0, show in the first bin
        counts = np.histogram(np.maximum(values, edges[0]), edges)[0]
        axes.stairs(counts / len(values), edges, color=colour, label=f"{name}, {len(values)} showers", linewidth=1.6)
    axes.axvline(result.quantile_held_out, color=REFERENCE_COLOUR, linestyle=":", label="1 % of the held-out ones")
    axes.set(
        xscale="log", xlabel="distance to the nearest training shower / incident energy", ylabel="share of showers"
    )
    axes.set_title(
        f"median ratio {result.ratio:.3f} ± {result.ratio_error:.3f}, "
        f"nearer than 1 %: {100 * result.fraction_below:.2f} ± {100 * result.fraction_below_error:.2f} %"
    )
    axes.legend()
    return figure


def plot_walk_images(detector: VoxelDetector, path: Path, walks: Mapping[str, Walk], difference: bool) -> Figure:
    """Mean images along a walk: per layer one row for each network (Figs. 3 to 5).

    Every row has its own colours, up to the energy per cell at its left: an untrained network makes energies of another
    order of magnitude.

    Parameters
    ----------
    detector : VoxelDetector
    path : Path
    walks : mapping of str to Walk
        By name, the trained network first.
    difference : bool
        Subtract the middle point (Fig. 5) instead of logarithmic colours.
    """
    layers = shown_layers(detector, next(iter(walks.values())).mean_showers_mev.mean(axis=0))
    n_points = len(path.values)
    figure = new_figure(12, 1.35 * len(layers) * len(walks) + 0.6)
    axes = figure.subplots(len(layers) * len(walks), n_points, squeeze=False)
    rows = iter(axes)
    for layer in layers:
        for name, walked in walks.items():
            row, pictures = next(rows), detector.layer_image(walked.mean_showers_mev, layer.layer_id)
            if difference:
                pictures = pictures - pictures[n_points // 2]
            norm = _symmetric_norm(pictures) if difference else _log_norm(pictures)
            colours = "RdBu_r" if difference else "viridis"
            for panel, picture in zip(row, pictures, strict=True):
                shown = picture if difference else np.ma.masked_less_equal(picture, 0.0)
                _picture(panel, layer, shown, norm, colours)
            row[0].set_ylabel(f"layer {layer.layer_id}\n{name}\n≤ {norm.vmax:.2g} MeV", fontsize=8)
    values, label = _walked(path)
    for panel, value in zip(axes[0], values, strict=True):
        panel.set_title(f"{value:.3g}", fontsize=9)
    minus = ", minus the middle point" if difference else ""
    figure.suptitle(f"{label}, the same {path.n_latents} latents at every point{minus}", fontsize=11)
    _set_margins(figure, left=0.75, right=0.1, bottom=0.1, top=0.6, between=(0.1, 0.12))
    return figure


def plot_walk_curves(
    detector: VoxelDetector, path: Path, walks: Mapping[str, Walk], real: Mapping[str, Curve]
) -> Figure:
    """Energy, centres and widths of each layer along a walk, trained and untrained, with real showers beside them.

    Parameters
    ----------
    detector : VoxelDetector
    path : Path
    walks : mapping of str to Walk
        By name, the trained network first.
    real : mapping of str to Curve
        From :func:`calosim_tf.physics.papers.traversal.along`.
    """
    layers = shown_layers(detector, next(iter(walks.values())).mean_showers_mev.mean(axis=0))
    kinds = ("energy", *(f"{kind}_{axis}" for axis in layers[0].coordinates_mm for kind in ("centre", "width")))
    values, label = _walked(path)
    figure = new_figure(12, 2.1 * len(layers) + 0.8)
    axes = figure.subplots(len(layers), len(kinds), squeeze=False, sharex=True)
    for row, layer in zip(axes, layers, strict=True):
        for panel, kind in zip(row, kinds, strict=True):
            name = f"{kind}_layer_{layer.layer_id}"
            panel.errorbar(
                values, real[name].mean, real[name].error, fmt="s", color=REFERENCE_COLOUR, ms=4, label="real"
            )
            for colour, (who, walked) in zip(LINE_COLOURS[1::-1], walks.items(), strict=False):
                curve = walked.curves[name]
                panel.errorbar(values, curve.mean, curve.error, fmt=".-", color=colour, label=who, linewidth=1.2)
            panel.tick_params(labelsize=8)
            if layer is layers[0]:
                panel.set_title(f"{kind.replace('_', ' ')} [{'MeV' if kind == 'energy' else 'mm'}]", fontsize=10)
            if layer is layers[-1]:
                panel.set_xlabel(label, fontsize=9)
        row[0].set_ylabel(f"layer {layer.layer_id}")
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="upper center", ncols=1 + len(walks))
    _set_margins(figure, left=0.8, right=0.15, bottom=0.5, top=0.75, between=(0.55, 0.3))
    return figure


def plot_attribute_control(estimates: Mapping[str, Mapping[str, tuple[np.ndarray, np.ndarray]]]) -> Figure:
    """Reconstructed minus requested attributes against the requested ones: a profile of mean and central 68 %.

    Parameters
    ----------
    estimates : mapping of str to mapping of str to (requested, difference)
        By attribute and estimate (title of a panel), then ``"real"`` and ``"generated"``; arrays of shape (n,).
    """
    columns = min(len(estimates), 5)
    n_rows = -(-len(estimates) // columns)
    figure = new_figure(max(2.6 * columns, 5.0), 2.7 * n_rows + 0.4)
    axes = figure.subplots(n_rows, columns, squeeze=False).ravel()
    for panel, (title, samples) in zip(axes, estimates.items(), strict=False):
        panel.axhline(0, color=REFERENCE_COLOUR, linewidth=0.8)
        for (name, pair), colour in zip(samples.items(), (REFERENCE_COLOUR, GENERATED_COLOUR), strict=False):
            _profile(panel, *pair, colour, name)
        panel.set_title(title, fontsize=10)
        panel.set_xlabel("requested", fontsize=9)
        panel.tick_params(labelsize=8)
    axes[0].set_ylabel("reconstructed - requested", fontsize=9)
    for unused in axes[len(estimates) :]:
        unused.set_axis_off()
    figure.legend(*axes[0].get_legend_handles_labels(), loc="upper center", ncols=2)
    _set_margins(figure, left=0.7, right=0.15, bottom=0.5, top=0.65, between=(0.5, 0.75))
    return figure


def _walked(path: Path) -> tuple[np.ndarray, str]:
    """Points of a walk and the label of their axis: energies in GeV, attributes in the unit of their name."""
    if path.quantity == ENERGY:
        return path.values / 1e3, "incident energy [GeV]"
    name, _, unit = path.quantity.rpartition("_")
    return path.values, f"{name} [{unit}]"


def _profile(axes: Axes, requested: np.ndarray, difference: np.ndarray, colour: str, name: str) -> None:
    """Mean of the difference in bins of equal numbers of showers, and the band of the central 68 %."""
    groups = [group for group in np.array_split(np.argsort(requested), PROFILE_BINS) if len(group)]
    middle = [requested[group].mean() for group in groups]
    mean = [difference[group].mean() for group in groups]
    band = np.array([np.percentile(difference[group], (16, 84)) for group in groups]).T
    axes.fill_between(middle, *band, color=colour, alpha=0.2, linewidth=0)
    axes.plot(middle, mean, ".-", color=colour, label=name)


def _set_margins(
    figure: Figure, *, left: float, right: float, bottom: float, top: float, between: tuple[float, float]
) -> None:
    """Margins around and (across, down) between panels in inches; matplotlib's own layouts draw everything twice."""
    rows, columns, *_ = figure.axes[0].get_subplotspec().get_geometry()
    width, height = figure.get_size_inches()
    panel_width = (width - left - right - (columns - 1) * between[0]) / columns
    panel_height = (height - bottom - top - (rows - 1) * between[1]) / rows
    figure.subplots_adjust(
        left=left / width,
        right=1 - right / width,
        bottom=bottom / height,
        top=1 - top / height,
        wspace=between[0] / panel_width,
        hspace=between[1] / panel_height,
    )


def _show(axes: Axes, layer: CellLayer, picture: np.ndarray, norm: Normalize, colours: str, label: str) -> None:
    """One layer with its axes and colour bar."""
    drawn = _picture(axes, layer, picture, norm, colours)
    bar = axes.figure.colorbar(drawn, cax=axes.inset_axes((1.03, 0.0, 0.045, 1.0)), label=label)
    if not label:
        bar.set_ticks([0.5, 0.7, 1.0, 1.4, 2.0], labels=["0.5", "0.7", "1", "1.4", "2"])
        bar.ax.minorticks_off()
    axes.set(xlabel=f"{layer.column_axis} →", ylabel=f"← {layer.row_axis}")


def _picture(axes: Axes, layer: CellLayer, picture: np.ndarray, norm: Normalize, colours: str):
    """One layer without ticks; a square, whatever its cells."""
    extent = (layer.column_edges_mm[0], layer.column_edges_mm[-1], layer.row_edges_mm[-1], layer.row_edges_mm[0])
    axes.set(xticks=(), yticks=())
    return axes.imshow(picture, norm=norm, cmap=colours, extent=extent, aspect="auto", interpolation="nearest")


def _log_norm(pictures: np.ndarray) -> Normalize:
    from matplotlib.colors import LogNorm

    hottest = max(float(pictures.max()), 1e-12)
    return LogNorm(hottest / 10**COLOUR_DECADES, hottest, clip=True)


def _symmetric_norm(pictures: np.ndarray) -> Normalize:
    from matplotlib.colors import SymLogNorm

    largest = max(float(np.abs(pictures).max()), 1e-12)
    return SymLogNorm(largest / 1e3, vmin=-largest, vmax=largest)
