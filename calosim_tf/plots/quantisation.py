"""Response of a quantised generator, energy by energy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from calosim_tf.plots.style import GENERATED_COLOUR, REFERENCE_COLOUR, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def plot_response_change(rows: Sequence[Mapping[str, float]], name: str) -> Figure:
    """Mean and width of E_tot/E_inc before and after quantisation, and their ratios below.

    Parameters
    ----------
    rows : sequence of mapping
        One per incident energy: ``incident_energy_mev``, and ``response_`` and ``width_`` with ``before``, ``after``
        and ``shift``.
    name : str
        Format after quantisation, for the legend.
    """
    figure = new_figure(10.0, 5.5)
    panels = figure.subplots(2, 2, sharex=True, gridspec_kw={"height_ratios": (2, 1)})
    energy = np.array([row["incident_energy_mev"] for row in rows]) / 1e3
    for column, (key, label) in enumerate((("response", "mean of E_tot / E_inc"), ("width", "width of E_tot / E_inc"))):
        upper, lower = panels[0, column], panels[1, column]
        values = {when: np.array([row[f"{key}_{when}"] for row in rows]) for when in ("before", "after")}
        upper.plot(energy, values["before"], "o-", color=REFERENCE_COLOUR, label="float32")
        upper.plot(energy, values["after"], "s--", color=GENERATED_COLOUR, label=name)
        upper.set_ylabel(label)
        upper.legend()
        lower.axhline(1.0, color=REFERENCE_COLOUR, linewidth=0.8)
        ratio = np.divide(
            values["after"], values["before"], out=np.full(len(rows), np.nan), where=values["before"] != 0
        )
        lower.plot(energy, ratio, "s--", color=GENERATED_COLOUR)
        lower.set_ylabel(f"{name} / float32")
        lower.set_xlabel("incident energy [GeV]")
        lower.set_xscale("log")
    figure.tight_layout()
    return figure
