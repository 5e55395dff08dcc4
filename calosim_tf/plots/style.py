"""Look of all plots, applied by a context manager: importing this changes nothing, and no window system is needed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from calosim_tf.errors import ConfigError
from calosim_tf.plots.minor_ticks import join_minor_ticks

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Okabe and Ito's palette: distinguishable with every common kind of colour vision, and in grey.
REFERENCE_COLOUR = "#444444"
REFERENCE_FILL = "#c9c9c9"
GENERATED_COLOUR = "#D55E00"
CONTROL_COLOUR = "#56B4E9"
LINE_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")

# 110 dots per inch and figures of at most 12 inches: sharp on a phone, and a report stays below a few MB.
PICTURE_DPI = 110

STYLE = {
    "font.size": 11,
    "axes.titlesize": 11,
    # A given height spares matplotlib the search for one, a quarter of all drawing time.
    "axes.titley": 1.0,
    "axes.labelsize": 11,
    "legend.fontsize": 11,
    "legend.frameon": False,
    "xtick.labelsize": 10,
    "ytick.labelsize": 10,
    "xtick.direction": "in",
    "ytick.direction": "in",
    "xtick.top": True,
    "ytick.right": True,
    "axes.linewidth": 0.8,
    "lines.linewidth": 1.6,
    "axes.formatter.limits": (-3, 5),
    "axes.formatter.use_mathtext": True,
    "figure.facecolor": "white",
    "text.usetex": False,
}


@contextmanager
def plot_style() -> Iterator[None]:
    """Use this style inside the ``with`` block and leave matplotlib's settings as they were.

    Raises
    ------
    ConfigError
        The matplotlibrc in the working folder, which is read before everything else, is no text.
    """
    try:
        import matplotlib
    except UnicodeDecodeError as error:
        raise ConfigError(
            f"matplotlibrc: cannot be read as text ({error.reason}); remove it from the working folder"
        ) from error

    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(STYLE)
        yield


def new_figure(width_inches: float, height_inches: float) -> Figure:
    """Figure without pyplot, so that nothing is registered globally and nothing has to be closed."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width_inches, height_inches), dpi=PICTURE_DPI)


def save_picture(figure: Figure, path: Path) -> None:
    """Write a PNG; the same figure gives the same bytes."""
    join_minor_ticks(figure)
    figure.savefig(path, format="png", metadata={"Software": None})
