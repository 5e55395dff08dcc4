"""Plots of showers of (x, y, z) cells: projections of two samples, and single showers in space (arXiv 2105.08960,
figures 5 and 6).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from calosim_tf.physics.papers.three_d_gan import AXES, THRESHOLD_GEV, projections
from calosim_tf.plots.style import GENERATED_COLOUR, REFERENCE_COLOUR, REFERENCE_FILL, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

RATIO_LIMITS = (0.5, 1.5)
# Decades of cell energy below the hottest cell that are drawn in the three-dimensional plot.
DRAWN_DECADES = 3
# Marker area, points^2, of the faintest and the hottest cell.
MARKER_AREAS = (2.0, 60.0)
# Room for the colour bar and its labels.
BAR_INCHES = 1.3


def plot_projections(
    reference: np.ndarray, generated: np.ndarray, names: tuple[str, str], threshold_gev: float = THRESHOLD_GEV
) -> Figure:
    """Mean energy per slice along x, y, z in linear and logarithmic scale, with the ratio (figure 6).

    Parameters
    ----------
    reference, generated : ndarray, shape (n, x, y, z), (m, x, y, z)
        Cells of the same incident energies, GeV.
    names : (reference, generated)
        For the legend.
    threshold_gev : float
        Cells at or below are left out.
    """
    figure = new_figure(10.0, 11.4)
    grid = figure.add_gridspec(3, 2, left=0.09, right=0.98, bottom=0.05, top=0.935, wspace=0.22, hspace=0.26)
    pairs = zip(projections(reference, threshold_gev), projections(generated, threshold_gev), strict=True)
    for row, (expected, found) in enumerate(pairs):
        for column, scale in enumerate(("linear", "log")):
            cell = grid[row, column].subgridspec(2, 1, height_ratios=(3, 1), hspace=0.06)
            main = figure.add_subplot(cell[0])
            ratio = figure.add_subplot(cell[1], sharex=main)
            _draw_profiles(main, expected, found, names, scale)
            _draw_ratio(ratio, expected, found)
            main.tick_params(labelbottom=False)
            ratio.set_xlabel(f"{AXES[row]} / cells", labelpad=1)
            if row == 0:
                main.set_title(f"{scale} scale")
            if column == 0:
                main.set_ylabel("mean energy [GeV]")
                ratio.set_ylabel("ratio")
    handles, labels = figure.axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="upper center", ncols=2, bbox_to_anchor=(0.53, 1.0))
    return figure


def plot_showers_in_space(showers: dict[str, np.ndarray], title: str = "") -> Figure:
    """Single showers as points in space, coloured by cell energy (figure 5); the particle comes from the left.

    Parameters
    ----------
    showers : dict
        Name -> cells of one shower, shape (x, y, z), GeV.
    title : str
    """
    from matplotlib.colors import LogNorm

    hottest = max(max(float(image.max()) for image in showers.values()), 1e-12)
    norm = LogNorm(hottest / 10**DRAWN_DECADES, hottest)
    inches = 4.6 * len(showers) + BAR_INCHES
    figure = new_figure(inches, 4.7)
    width = 4.6 / inches
    for column, (name, image) in enumerate(showers.items()):
        axes = figure.add_axes((column * width + 0.01, 0.03, width - 0.02, 0.86), projection="3d")
        points = _draw_cells(axes, image, norm)
        axes.set_title(name)
    bar = figure.add_axes((1 - (BAR_INCHES - 0.2) / inches, 0.15, 0.2 / inches, 0.62))
    figure.colorbar(points, cax=bar, label="cell energy [GeV]")
    figure.suptitle(title)
    return figure


def _draw_profiles(axes: Axes, expected: np.ndarray, found: np.ndarray, names: tuple[str, str], scale: str) -> None:
    edges = np.arange(len(expected) + 1) - 0.5
    floor = 0.0
    if scale == "log":
        filled = np.concatenate([profile[profile > 0.0] for profile in (expected, found)])
        floor = 0.5 * float(filled.min()) if len(filled) else 1e-12
    axes.stairs(expected, edges, baseline=floor, fill=True, color=REFERENCE_FILL)
    axes.stairs(expected, edges, baseline=floor, color=REFERENCE_COLOUR, linewidth=1.6, label=names[0])
    axes.stairs(found, edges, baseline=floor, color=GENERATED_COLOUR, linewidth=1.6, label=names[1])
    axes.set_yscale(scale)
    axes.set_xlim(edges[0], edges[-1])
    axes.set_ylim(bottom=floor)


def _draw_ratio(axes: Axes, expected: np.ndarray, found: np.ndarray) -> None:
    both = (expected > 0.0) & (found > 0.0)
    places = np.flatnonzero(both)
    ratio = found[both] / expected[both]
    low, high = RATIO_LIMITS
    inside = (ratio >= low) & (ratio <= high)
    axes.axhline(1.0, color=REFERENCE_COLOUR, linewidth=0.8)
    axes.plot(places[inside], ratio[inside], "o", markersize=3, color=GENERATED_COLOUR)
    # what lies outside is marked at the edge, so that nothing disappears
    for beyond, marker, edge in ((ratio > high, "^", high), (ratio < low, "v", low)):
        at_edge = np.full(np.count_nonzero(beyond), edge)
        axes.plot(places[beyond], at_edge, marker, markersize=5, color=GENERATED_COLOUR, clip_on=False)
    axes.set_ylim(*RATIO_LIMITS)
    axes.set_yticks((0.75, 1.0, 1.25))  # none at the ends, where the panel above has its own


def _draw_cells(axes, image: np.ndarray, norm):
    """Cells above the lower end of ``norm``; z points to the right, faint cells are drawn first."""
    x, y, z = np.nonzero(image > norm.vmin)
    energy = image[x, y, z]
    order = np.argsort(energy)
    share = np.clip(norm(energy[order]), 0.0, 1.0)
    small, large = MARKER_AREAS
    points = axes.scatter(
        z[order] + 0.5,
        x[order] + 0.5,
        y[order] + 0.5,
        c=energy[order],
        s=small + (large - small) * np.asarray(share) ** 2,
        norm=norm,
        cmap="viridis",
        alpha=0.75,
        linewidths=0,
        depthshade=False,
    )
    axes.set_xlim(0, image.shape[2])
    axes.set_ylim(0, image.shape[0])
    axes.set_zlim(0, image.shape[1])
    axes.set_xlabel("z / cells")
    axes.set_ylabel("x / cells")
    axes.set_zlabel("y / cells")
    axes.view_init(elev=18, azim=-62)
    return points
