"""Total energy per incident energy, and response and resolution against energy."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from calosim_tf.physics.metrics.comparison import Comparison
from calosim_tf.physics.metrics.metric import Results
from calosim_tf.plots.panels import Panel, add_headline, draw_histograms, histogram_of_values, panel_grid
from calosim_tf.plots.style import CONTROL_COLOUR, GENERATED_COLOUR, REFERENCE_COLOUR

if TYPE_CHECKING:
    from matplotlib.figure import Figure

GRID_BINS = 40
# A tabulated range is used only where it shows the sample: it may not cut off more than this share on a side.
LARGEST_HIDDEN_SHARE = 0.005
# From this share of showers outside of the range on, the panel says how many there are.
SHOWN_OUTSIDE_PERCENT = 0.1

# Metric, title, kind of axis.
RESPONSE_COLUMNS = (
    ("response_mean", "mean of E_tot/E_inc", "linear"),
    ("response_sigma", "standard deviation of E_tot/E_inc", "log"),
    ("response_sigma68", "half of the 16 to 84 % interval", "log"),
)


def display_range(comparison: Comparison) -> tuple[float, float]:
    """Range of E_tot/E_inc to show at one incident energy: the tabulated one if it fits, else the reference's central
    99 %.

    Parameters
    ----------
    comparison : Comparison
        At one energy.
    """
    detector, response = comparison.reference.showers.detector, comparison.reference.response
    power = float(np.log2(comparison.energy_mev))
    known = {at: (low, high) for at, low, high in detector.response_ranges}
    tabulated = known.get(round(power)) if abs(power - round(power)) < 1e-3 else None
    if tabulated is not None:
        hidden = max(np.mean(response < tabulated[0]), np.mean(response > tabulated[1]))
        if hidden <= LARGEST_HIDDEN_SHARE:
            return tabulated
    low, high = np.percentile(response, (0.5, 99.5))
    margin = 0.15 * (high - low) or 0.05
    return float(low - margin), float(high + margin)


def energy_label(energy_mev: float) -> str:
    """``256 MeV``, ``4.1 GeV``, ``1.05 TeV``."""
    for unit, size in (("TeV", 1e6), ("GeV", 1e3)):
        if energy_mev >= size:
            return f"{energy_mev / size:.3g} {unit}"
    return f"{energy_mev:.3g} MeV"


def plot_energy_grid(comparison: Comparison) -> Figure:
    """E_tot/E_inc per incident energy with the selection chi2 of that energy."""
    energies = [c for c in comparison.by_energy if len(c.generated) and len(c.reference)]
    columns = 3 if len(energies) <= 9 else 4
    figure, panels = panel_grid(len(energies), columns, (3.1, 3.1))
    for panel, at_energy in zip(panels, energies, strict=True):
        edges = np.linspace(*display_range(at_energy), GRID_BINS + 1)
        samples = (at_energy.reference, at_energy.generated)
        draw_histograms(panel, edges, *(histogram_of_values(sample.response, edges) for sample in samples))
        panel.main.set_title(energy_label(at_energy.energy_mev))
        panel.main.set_ylim(0, 1.45 * panel.main.get_ylim()[1])
        table = at_energy.chi2
        text = f"χ²/NDF {table.chi2:.1f}/{table.ndf} = {table.value:.2f}"
        outside = [100 * np.mean((s.response < edges[0]) | (s.response > edges[-1])) for s in samples]
        if max(outside) >= SHOWN_OUTSIDE_PERCENT:
            text += f"\noutside: {outside[0]:.1f} % | {outside[1]:.1f} %"
        panel.main.text(0.03, 0.96, text, transform=panel.main.transAxes, va="top")
    _label_outer(panels, columns, "E_tot/E_inc", "share of showers")
    add_headline(figure, panels[0], comparison)
    return figure


def _label_outer(panels: list[Panel], columns: int, x_label: str, y_label: str) -> None:
    for i, panel in enumerate(panels):
        if i % columns == 0:
            panel.main.set_ylabel(y_label)
            panel.ratio.set_ylabel("ratio")
        if i + columns >= len(panels):
            panel.ratio.set_xlabel(x_label)


def per_energy_series(results: Results, name: str, key: str) -> tuple[np.ndarray, np.ndarray]:
    """Energies in GeV and one field of one metric (NaN where it is not defined): two arrays of shape (k,)."""
    filled = [(energy, entries[name]) for energy, entries in sorted(results.per_energy.items()) if name in entries]
    values = [math.nan if entry[key] is None else entry[key] for _, entry in filled]
    return np.array([energy / 1000 for energy, _ in filled]), np.array(values, dtype=np.float64)


def plot_response(comparison: Comparison, results: Results) -> Figure:
    """Response and resolution against energy, with the ratio to the reference and the band of MC against MC."""
    figure, panels = panel_grid(len(RESPONSE_COLUMNS), 3, (4.0, 4.4))
    for panel, (name, label, scale) in zip(panels, RESPONSE_COLUMNS, strict=True):
        energy, reference = per_energy_series(results, name, "reference_value")
        panel.main.plot(
            energy, reference, "s", color=REFERENCE_COLOUR, markersize=6, fillstyle="none", label="reference"
        )
        energy, value = per_energy_series(results, name, "value")
        _, error = per_energy_series(results, name, "error")
        panel.main.errorbar(energy, value, error, fmt=".", color=GENERATED_COLOUR, markersize=7, label="generated")
        panel.main.set_yscale(scale if np.any(value > 0) else "linear")
        _draw_response_ratio(panel, results, f"{name}_ratio")
        panel.main.set_title(label)
        panel.ratio.set_xscale("log")
        panel.ratio.set_xlabel("incident energy [GeV]")
        panel.ratio.set_ylabel("ratio")
    add_headline(figure, panels[0], comparison)
    return figure


def _draw_response_ratio(panel: Panel, results: Results, name: str) -> None:
    energy, floor = per_energy_series(results, name, "reference_vs_reference")
    _, floor_error = per_energy_series(results, name, "reference_vs_reference_error")
    panel.ratio.fill_between(
        energy, floor - floor_error, floor + floor_error, color=CONTROL_COLOUR, alpha=0.5, linewidth=0, label="MC vs MC"
    )
    energy, ratio = per_energy_series(results, name, "value")
    _, error = per_energy_series(results, name, "error")
    panel.ratio.axhline(1, color=REFERENCE_COLOUR, linewidth=0.8)
    panel.ratio.errorbar(energy, ratio, error, fmt=".", color=GENERATED_COLOUR, markersize=7)
