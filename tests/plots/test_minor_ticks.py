"""Minor ticks drawn together look like matplotlib's own."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from calosim_tf.plots.minor_ticks import join_minor_ticks
from calosim_tf.plots.style import new_figure, plot_style

LIMITS = {"decades": (0.3, 4e4), "ends on ticks": (2.0, 500.0), "labelled": (2.0, 7.0), "turned": (4e3, 0.5)}


def _pixels(limits, join):
    """RGB of a figure of two panels that share a logarithmic axis, and the number of minor ticks that it made."""
    with plot_style():
        figure = new_figure(4, 4)
        main = figure.add_subplot(2, 1, 1)
        ratio = figure.add_subplot(2, 1, 2, sharex=main)
        main.tick_params(labelbottom=False)
        main.plot([1.0, 3.0, 1e4], [1e-4, 0.5, 3.0], color="#D55E00", linewidth=4)
        main.set_yscale("log")
        ratio.set_xscale("log")
        main.set_xlim(*limits)
        if join:
            join_minor_ticks(figure)
        figure.savefig(picture := io.BytesIO(), format="png")
        made = sum(len(axis.get_minor_ticks()) for axes in (main, ratio) for axis in (axes.xaxis, axes.yaxis))
        return np.asarray(Image.open(picture).convert("RGB")).astype(int), made


@pytest.mark.parametrize("name", LIMITS)
def test_the_picture_is_the_same_with_few_artists(name):
    """Breaks if a tick is lost, lies elsewhere, over a line or outside of the axes, or labels of minor ticks go."""
    (expected, own), (found, joined) = (_pixels(LIMITS[name], join) for join in (False, True))
    assert np.abs(found - expected).max() <= 1
    assert joined <= (own if name == "labelled" else 8)
    assert own > 8


def test_a_figure_may_be_saved_twice():
    """Breaks if the ticks are drawn once more, which makes them bolder, each time a figure is saved."""
    figure = new_figure(3, 3)
    axes = figure.add_subplot()
    axes.set_yscale("log")
    axes.set_ylim(1, 1e3)
    join_minor_ticks(figure)
    drawn = len(axes.lines) + len(axes.artists)
    join_minor_ticks(figure)
    assert len(axes.lines) + len(axes.artists) == drawn > 0
