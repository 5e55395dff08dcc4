"""Minor ticks of logarithmic axes as few artists: the same pixels in a fraction of the time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

# Of an axis' length in its own coordinates: a tick on the border is inside
ROUNDING = 1e-10


def join_minor_ticks(figure: Figure) -> None:
    """Draw the minor ticks of each axis as one line of markers per side.

    matplotlib makes five artists for each tick, and a figure of 20 panels has a thousand.  Axes that label their minor
    ticks, and those of colour bars, stay as they are.

    Parameters
    ----------
    figure : Figure
        As it is to be saved: limits must not change any more.
    """
    from matplotlib.ticker import NullLocator

    found = [
        (axes, axis, _unlabelled(axis)) for axes in figure.axes if _is_plain(axes) for axis in (axes.xaxis, axes.yaxis)
    ]
    # axes that share a scale share their locator too: all are looked at before one is taken away
    for axes, axis, places in found:
        if len(places):
            _draw(axes, axis, places)
    for _, axis, places in found:
        if len(places):
            axis.set_minor_locator(NullLocator())


def _is_plain(axes: Axes) -> bool:
    return axes.name == "rectilinear" and axes.axison and not hasattr(axes, "_colorbar")


def _unlabelled(axis: Axis) -> np.ndarray:
    """Places of the minor ticks in view, none if they have labels."""
    places = np.asarray(axis.get_minorticklocs())
    if not len(places) or any(axis.get_minor_formatter().format_ticks(places)):
        return np.empty(0)
    low, high = np.sort(axis.get_transform().transform(axis.get_view_interval()))
    inside = axis.get_transform().transform(places)
    margin = ROUNDING * (high - low)
    return places[(inside >= low - margin) & (inside <= high + margin)]


def _draw(axes: Axes, axis: Axis, places: np.ndarray) -> None:
    """One line of markers for each side that has ticks, made like matplotlib's own tick."""
    from matplotlib.lines import Line2D

    tick = axis.get_minor_ticks(1)[0]
    for mark in (tick.tick1line, tick.tick2line):
        if not mark.get_visible():
            continue
        line = Line2D([], [])
        line.update_from(mark)
        side = np.broadcast_to(mark.get_ydata() if axis is axes.xaxis else mark.get_xdata(), places.shape)
        line.set_data(*((places, side) if axis is axes.xaxis else (side, places)))
        line.set_transform(mark.get_transform())
        line.set_zorder(axis.get_zorder())
        line.set_in_layout(False)
        axes.add_artist(line)
        line.set_clip_on(False)
