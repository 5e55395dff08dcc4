"""Heat maps of a fleet: a metric over particle and eta."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from calosim_tf.plots.style import new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Up to this many, a member's number is written into its field
MOST_WRITTEN = 40


def plot_heat_map(title: str, fields: Sequence[dict[str, Any]]) -> Figure:
    """One metric of all members.

    Parameters
    ----------
    title : str
    fields : sequence of dict
        Of each member: ``particle``, ``eta_range``, ``band`` (lower and upper end of its part of the particle's row, 0
        to 1, which energies share), ``value``, ``distance`` (from the ideal, in units of Monte Carlo; None where it was
        not judged).

    Returns
    -------
    Figure
        Coloured by the distance, on a logarithmic scale from 1 on; grey without one.
    """
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import LogNorm
    from matplotlib.patches import Rectangle

    particles = list(dict.fromkeys(field["particle"] for field in fields))
    height = 1.3 + 0.45 * len(particles)
    figure = new_figure(9.0, height)
    axes = figure.add_axes((0.12, 0.55 / height, 0.74, 1 - 0.95 / height))
    distances = [field["distance"] for field in fields if field["distance"] is not None]
    scale = ScalarMappable(LogNorm(1.0, max(10.0, *distances) if distances else 10.0), "viridis_r")
    for field in fields:
        low, high = field["eta_range"]
        row = particles.index(field["particle"])
        bottom, top = (row + part for part in field["band"])
        distance = field["distance"]
        colour = "#dddddd" if distance is None else scale.to_rgba(max(distance, 1.0))
        axes.add_patch(Rectangle((low, bottom), high - low, top - bottom, facecolor=colour, edgecolor="white"))
        if len(fields) <= MOST_WRITTEN and field["value"] is not None:
            dark = sum(colour[:3]) < 1.5 if distance is not None else False
            place = ((low + high) / 2, (bottom + top) / 2)
            axes.annotate(
                f"{field['value']:.3g}", place, ha="center", va="center", fontsize=8, color="w" if dark else "k"
            )
    axes.set_xlim(min(field["eta_range"][0] for field in fields), max(field["eta_range"][1] for field in fields))
    axes.set_ylim(0, len(particles))
    axes.set_yticks([row + 0.5 for row in range(len(particles))], particles)
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel(r"$|\eta|$")
    axes.set_title(title)
    figure.colorbar(scale, cax=figure.add_axes((0.88, 0.55 / height, 0.02, 1 - 0.95 / height)), label="times MC")
    return figure
