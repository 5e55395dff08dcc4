"""Plots of LHCb showers: PRD curves, sample showers, attention maps and the five statistics of the paper."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from calosim_tf.errors import DataError
from calosim_tf.physics.papers.lhcb_statistics import PICTURE_STATISTICS, STATISTICS
from calosim_tf.plots.panels import draw_histograms, histogram_of_values, panel_grid, shortened, use_log_shares
from calosim_tf.plots.style import LINE_COLOURS, REFERENCE_COLOUR, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Cells below are shown in the darkest colour: noise of networks in cells where real showers have nothing.
LOWEST_SHOWN_MEV = 0.1
# Models side by side: more columns would be too small on a phone.
MAX_MODELS = 4
SINGLE_MODEL_COLUMNS = 3
STATISTIC_BINS = 40
# Part of the reference that the bins of a statistic span.
SHOWN_PERCENTILES = (0.5, 99.5)
STATISTIC_LABELS = {
    "longitudinal_asymmetry": "asymmetry along",
    "transverse_asymmetry": "asymmetry across",
    "width_along": "width along",
    "width_across": "width across",
}


def plot_prd_curves(
    curves: Mapping[str, tuple[Sequence[float], Sequence[float]]],
    ceiling: tuple[Sequence[float], Sequence[float]] | None,
    areas: Mapping[str, float],
    title: str,
) -> Figure:
    """Recall against precision of several models, and of real showers against real showers.

    Parameters
    ----------
    curves : mapping of str to (precision, recall)
        By model, as in ``curves`` of the scores.
    ceiling : (precision, recall) or None
        Real against real, with the same number of showers, clusters and clusterings.
    areas : mapping of str to float
        Area per model, and under ``"ceiling"`` that of the ceiling, for the legend.
    title : str
        Space, showers and clusters.
    """
    figure = new_figure(6.6, 5.8)
    axes = figure.add_axes((0.12, 0.1, 0.85, 0.83))
    if ceiling is not None:
        precision, recall = ceiling
        label = f"real against real ({areas['ceiling']:.3f})"
        axes.plot(precision, recall, color=REFERENCE_COLOUR, linestyle="--", label=label)
    for i, (name, (precision, recall)) in enumerate(curves.items()):
        label = f"{shortened(name)} ({areas[name]:.3f})"
        axes.plot(precision, recall, color=LINE_COLOURS[i % len(LINE_COLOURS)], label=label)
    axes.set(xlim=(0, 1.02), ylim=(0, 1.02), xlabel="precision", ylabel="recall", title=title)
    axes.legend(title="area under the curve", loc="best")
    return figure


def plot_sample_showers(
    reference_mev: np.ndarray, models_mev: Mapping[str, np.ndarray], conditions: Sequence[str]
) -> Figure:
    """Showers of the same particles side by side, log colours: one row per particle, the reference on the left.

    Parameters
    ----------
    reference_mev : ndarray, shape (rows, 30, 30)
    models_mev : mapping of str to ndarray, shape (rows, 30, 30)
        Showers that models made for the same particles, at most ``MAX_MODELS``.
    conditions : sequence of str
        What the particle of each row is, for example ``"21 GeV, 10°"``.

    Raises
    ------
    DataError
        If the numbers of rows differ or there are too many models.
    """
    _require_few(models_mev)
    for name, images in {"reference": reference_mev, **models_mev}.items():
        if len(images) != len(conditions) or len(images) == 0:
            raise DataError(f"sample showers: found {len(images)} of {name}, expected {len(conditions)}, at least one")
    from matplotlib.colors import LogNorm

    columns = {"reference": reference_mev, **models_mev}
    rows, side = len(conditions), 2.15
    width, height = side * len(columns) + 1.35, side * rows + 0.75
    figure = new_figure(width, height)
    cells = figure.add_gridspec(
        rows,
        len(columns),
        left=0.45 / width,
        right=1 - 0.9 / width,
        bottom=0.25 / height,
        top=1 - 0.4 / height,
        wspace=0.06,
        hspace=0.06,
    )
    # one scale for all: a cell of the same energy has the same colour in every image
    norm = LogNorm(LOWEST_SHOWN_MEV, max(float(reference_mev.max()), 10 * LOWEST_SHOWN_MEV), clip=True)
    for column, (name, images) in enumerate(columns.items()):
        for row, image in enumerate(images):
            axes = figure.add_subplot(cells[row, column])
            picture = axes.imshow(np.maximum(image, LOWEST_SHOWN_MEV), norm=norm, cmap="viridis", origin="lower")
            axes.set(xticks=(), yticks=())
            if row == 0:
                axes.set_title(shortened(name, 24))
            if column == 0:
                axes.set_ylabel(conditions[row])
            if row == rows - 1:
                axes.set_xlabel("x →, y ↑", labelpad=2)
    bar = figure.add_axes((1 - 0.75 / width, 0.25 / height, 0.16 / width, 1 - 0.65 / height))
    figure.colorbar(picture, cax=bar, label="MeV per cell")
    return figure


def plot_attention(image_mev: np.ndarray, attention: np.ndarray, queries: np.ndarray) -> Figure:
    """A shower with query positions, and beside it what each of them attends to.

    Parameters
    ----------
    image_mev : ndarray, shape (30, 30)
        The network's input or output.
    attention : ndarray, shape (n_queries, height, width)
        Weights over the positions of the layer's own, coarser grid, each map summing to 1.
    queries : ndarray of int, shape (n_queries, 2)
        Row and column of each query on that grid.

    Raises
    ------
    DataError
        If queries and maps do not agree.
    """
    attention, queries = np.asarray(attention), np.asarray(queries)
    if attention.ndim != 3 or queries.shape != (len(attention), 2) or len(attention) == 0:
        raise DataError(
            f"attention: found maps of shape {attention.shape} and queries of shape {queries.shape}, expected (n,"
            " height, width) and (n, 2)"
        )
    from matplotlib.colors import LogNorm

    n, grid = len(attention), attention.shape[1:]
    columns = min(n + 1, 4)
    rows = -(-(n + 1) // columns)
    figure = new_figure(3.0 * columns, 2.6 * rows)
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    norm = LogNorm(LOWEST_SHOWN_MEV, max(float(image_mev.max()), 10 * LOWEST_SHOWN_MEV), clip=True)
    # both grids are drawn in units of the attention grid, so that a query is at the same place in every panel
    extent = (-0.5, grid[1] - 0.5, -0.5, grid[0] - 0.5)
    shower = axes[0].imshow(
        np.maximum(image_mev, LOWEST_SHOWN_MEV), norm=norm, cmap="viridis", origin="lower", extent=extent
    )
    axes[0].set_title("shower")
    figure.colorbar(shower, ax=axes[0], fraction=0.046, label="MeV")
    # one scale for all queries; the mark at 1 is a query that looks everywhere alike
    relative = attention * grid[0] * grid[1]
    for i, (panel, weights, query) in enumerate(zip(axes[1:], relative, queries, strict=False)):
        colour = LINE_COLOURS[i % len(LINE_COLOURS)]
        picture = panel.imshow(weights, cmap="magma", vmin=0, vmax=relative.max(), origin="lower", extent=extent)
        panel.set_title(f"query {i + 1}", color=colour)
        for axis in (axes[0], panel):
            _mark(axis, query, str(i + 1), colour)
        figure.colorbar(picture, ax=panel, fraction=0.046, label="times uniform")
    for unused in axes[n + 1 :]:
        unused.set_axis_off()
    for used in axes[: n + 1]:
        used.set(xticks=(), yticks=())
    figure.tight_layout()
    return figure


def _mark(axes: Axes, query: np.ndarray, text: str, colour: str) -> None:
    row, column = query
    axes.plot(column, row, "s", markersize=9, markerfacecolor="none", markeredgecolor="white", markeredgewidth=3)
    axes.plot(column, row, "s", markersize=9, markerfacecolor="none", markeredgecolor=colour, markeredgewidth=1.5)
    axes.annotate(text, (column, row), xytext=(6, 4), textcoords="offset points", color="white", fontsize=9)


def plot_statistics(
    reference: np.ndarray, models: Mapping[str, np.ndarray], width_unit: str, reference_name: str = "reference"
) -> Figure:
    """Distributions of the paper's five statistics with ratios: one row per statistic, one column per model.

    A single model fills row by row.

    Parameters
    ----------
    reference : ndarray, shape (n, 24)
        :func:`calosim_tf.physics.papers.lhcb_statistics.shower_statistics` of real showers.
    models : mapping of str to ndarray, shape (m, 24)
        Of generated showers, in the same mode; at most ``MAX_MODELS``.
    width_unit : str
        ``"cm"`` for the geometric mode, ``"cells"`` for the authors'.
    reference_name : str

    Raises
    ------
    DataError
        If there are too many models, or none.
    """
    _require_few(models)
    if not models:
        raise DataError("statistics: found no model to draw, expected at least one")
    one = len(models) == 1
    columns = SINGLE_MODEL_COLUMNS if one else len(models)
    figure, panels = panel_grid(len(PICTURE_STATISTICS) * len(models), columns, (3.6 if one else 3.1, 3.0))
    for i, panel in enumerate(panels):
        row, column = divmod(i, len(models))
        name, values = list(models.items())[column]
        statistic = PICTURE_STATISTICS[row]
        index = STATISTICS.index(statistic)
        edges = statistic_edges(statistic, reference[:, index])
        histograms = [histogram_of_values(sample[:, index], edges) for sample in (reference, values)]
        draw_histograms(panel, edges, *histograms)
        use_log_shares(panel, *histograms)
        panel.ratio.set_xlabel(_statistic_label(statistic, width_unit))
        if statistic.endswith("asymmetry"):
            panel.ratio.set_xticks((-1, -0.5, 0, 0.5, 1))
        if row == 0 and not one:
            panel.main.set_title(shortened(name, 26))
        if i % columns == 0:
            panel.main.set_ylabel("share of showers")
            panel.ratio.set_ylabel("ratio")
    handles = panels[0].main.get_legend_handles_labels()[0]
    labels = [shortened(reference_name), shortened(name) if one else "generated"]
    figure.legend(handles, labels, loc="upper center", ncols=2)
    return figure


def statistic_edges(statistic: str, reference: np.ndarray) -> np.ndarray:
    """Bin edges of one statistic, shape (b + 1,).

    An asymmetry lies in [-1, 1].  Sparsity counts cells: its bins hold whole numbers of cells, or a beat between
    bins and cells would look like structure.  Widths are binned over the reference's middle 99 %.
    """
    if statistic.endswith("asymmetry"):
        return np.linspace(-1.0, 1.0, STATISTIC_BINS + 1)
    low, high = np.percentile(reference, SHOWN_PERCENTILES)
    if statistic.startswith("sparsity"):
        first, last = np.floor(low * 900), np.ceil(high * 900)
        step = max(1, int(np.ceil((last - first + 1) / STATISTIC_BINS)))
        return (np.arange(first, last + step + 1, step) - 0.5) / 900
    return np.linspace(low, high if high > low else low + 1.0, STATISTIC_BINS + 1)


def _statistic_label(statistic: str, width_unit: str) -> str:
    if statistic.startswith("sparsity"):
        return f"cells above {100 * float(statistic.split('_')[1]):.2g} % [share]"
    unit = f" [{width_unit}]" if statistic.startswith("width") else ""
    return STATISTIC_LABELS[statistic] + unit


def _require_few(models: Mapping[str, np.ndarray]) -> None:
    if len(models) > MAX_MODELS:
        raise DataError(f"picture: found {len(models)} models, expected at most {MAX_MODELS}: draw several pictures")
