"""Plots of LHCb showers, read back from the axes."""

from __future__ import annotations

import numpy as np
import pytest

from calosim_tf.errors import DataError
from calosim_tf.physics.papers.lhcb_statistics import PICTURE_STATISTICS, STATISTICS
from calosim_tf.plots.lhcb import (
    LOWEST_SHOWN_MEV,
    plot_attention,
    plot_prd_curves,
    plot_sample_showers,
    plot_statistics,
    statistic_edges,
)
from calosim_tf.plots.style import save_picture


@pytest.fixture
def statistics() -> np.ndarray:
    """300 rows of 24 columns: asymmetries in [-1, 1], widths around 2, sparsities in whole cells of 900."""
    rng = np.random.default_rng(1)
    return np.column_stack(
        [*rng.uniform(-1, 1, size=(2, 300)), *rng.normal(2, 0.3, size=(2, 300)), *rng.integers(20, 70, (20, 300)) / 900]
    )


@pytest.fixture
def images() -> np.ndarray:
    return np.random.default_rng(2).gamma(0.1, 100.0, size=(3, 30, 30))


def test_prd_curves_have_precision_on_the_abscissa():
    """Breaks if the axes are exchanged, or the ceiling is drawn as a model."""
    precision, recall = [0.0, 0.5, 0.9], [0.8, 0.7, 0.0]
    areas = {"sagan": 0.5, "ceiling": 0.95}
    figure = plot_prd_curves({"sagan": (precision, recall)}, ([0.0, 1.0], [1.0, 0.9]), areas, "cells")
    ceiling, model = figure.axes[0].lines
    assert model.get_xdata().tolist() == precision
    assert model.get_ydata().tolist() == recall
    assert model.get_label() == "sagan (0.500)"
    assert ceiling.get_label() == "real against real (0.950)"
    assert ceiling.get_linestyle() == "--"


def test_prd_curves_without_a_ceiling():
    figure = plot_prd_curves({"wgan": ([0, 1], [1, 0])}, None, {"wgan": 0.5}, "cells")
    assert len(figure.axes[0].lines) == 1


def test_sample_showers_keep_rows_together_on_one_scale(images):
    """Breaks if rows and models are mixed, y points down, or images have different colour scales."""
    figure = plot_sample_showers(images, {"wgan": 2 * images, "sagan": 3 * images}, ["a", "b", "c"])
    pictures = [axes.images[0] for axes in figure.axes if axes.images]
    assert len(pictures) == 9
    for i, picture in enumerate(pictures):
        column, row = divmod(i, 3)
        expected = np.maximum((column + 1) * images[row], LOWEST_SHOWN_MEV)
        np.testing.assert_array_equal(picture.get_array(), expected)
        assert picture.origin == "lower"
        assert picture.norm is pictures[0].norm
    assert pictures[0].norm.vmax == images.max()
    assert [axes.get_ylabel() for axes in figure.axes[:3]] == ["a", "b", "c"]
    assert figure.axes[3].get_title() == "wgan"


def test_empty_showers_can_be_drawn(images, tmp_path):
    """Breaks if a collapsed model gives a logarithm of 0."""
    figure = plot_sample_showers(0 * images, {"collapsed": 0 * images}, ["a", "b", "c"])
    save_picture(figure, tmp_path / "showers.png")
    assert (tmp_path / "showers.png").stat().st_size > 1000


def test_attention_maps_share_a_scale_and_mark_their_query(images):
    """Breaks if a mark is at (row, column) instead of (column, row), or maps are scaled one by one."""
    attention = np.full((2, 8, 8), 1 / 64)
    attention[1] = 0.0
    attention[1, 2, 6] = 1.0
    figure = plot_attention(images[0], attention, np.array([[0, 7], [2, 5]]))
    panels = [axes for axes in figure.axes if axes.images]
    assert len(panels) == 3
    for panel, peak, place in zip(panels[1:], (1.0, 64.0), ((7, 0), (5, 2)), strict=True):
        picture = panel.images[0]
        assert picture.get_array().max() == pytest.approx(peak)
        assert picture.get_clim() == (0, 64)
        assert (panel.lines[0].get_xdata()[0], panel.lines[0].get_ydata()[0]) == place
    marks = {(line.get_xdata()[0], line.get_ydata()[0]) for line in panels[0].lines}
    assert marks == {(7, 0), (5, 2)}
    assert list(panels[0].images[0].get_extent()) == [-0.5, 7.5, -0.5, 7.5]


def test_statistics_are_those_of_the_named_column(statistics):
    """Breaks if a panel shows another column, model or unit."""
    other = statistics[::2]
    figure = plot_statistics(statistics, {"wgan": statistics, "sagan": other}, "cm")
    mains = figure.axes[::2]
    assert len(mains) == 10
    for i, name in enumerate(PICTURE_STATISTICS):
        column = STATISTICS.index(name)
        for axes, sample in ((mains[2 * i], statistics), (mains[2 * i + 1], other)):
            heights, edges, _ = axes.patches[-1].get_data()
            np.testing.assert_allclose(heights, np.histogram(sample[:, column], edges)[0] / len(sample))
    labels = [axes.get_xlabel() for axes in figure.axes[1::4]]
    assert labels == ["asymmetry along", "asymmetry across", "width along [cm]", "width across [cm]", labels[4]]
    assert labels[4] == "cells above 0.078 % [share]"
    assert mains[1].get_title() == "sagan"


def test_single_model_is_named_in_the_legend(statistics):
    figure = plot_statistics(statistics, {"sagan": statistics}, "cm", reference_name="EGSnrc sample")
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["EGSnrc sample", "sagan"]
    assert len(figure.axes) == 10


def test_sparsity_bins_hold_whole_cells():
    """Breaks if some bins hold one count of cells more than others, which looks like structure."""
    counts = np.arange(20, 130)
    edges = statistic_edges("sparsity_7.8e-04", counts / 900)
    filled = np.histogram(counts / 900, edges)[0]
    assert set(filled[1:-2]) == {3}
    assert len(edges) <= 42


def test_constant_width_has_bins():
    """Breaks if a collapsed reference gives edges of no width."""
    edges = statistic_edges("width_along", np.full(9, 2.0))
    assert np.all(np.diff(edges) > 0)


def test_bad_input_is_named(images, statistics):
    """Breaks if too many models, or samples of other length, end in an index error."""
    with pytest.raises(DataError, match="found 2 of sagan, expected 3"):
        plot_sample_showers(images, {"sagan": images[:2]}, ["a", "b", "c"])
    with pytest.raises(DataError, match="found 5 models"):
        plot_statistics(statistics, dict.fromkeys("abcde", statistics), "cm")
    with pytest.raises(DataError, match="found no model"):
        plot_statistics(statistics, {}, "cm")
    with pytest.raises(DataError, match=r"queries of shape \(1, 2\)"):
        plot_attention(images[0], np.ones((2, 8, 8)), np.zeros((1, 2)))
