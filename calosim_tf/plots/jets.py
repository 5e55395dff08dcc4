"""Plots of jet images: figures of the LAGAN paper, class by class."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from calosim_tf.physics.papers.jet_classes import INTENSITY_EDGES_GEV, ClassOfJets
from calosim_tf.plots.panels import shortened
from calosim_tf.plots.style import GENERATED_COLOUR, REFERENCE_COLOUR, REFERENCE_FILL, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Pictures span eta and phi of +-1.25 (authors' code)
EDGE = 1.25
# Authors' notebook: bins of mass and transverse momentum; tau_21 is a share
RANGES = {"jet_mass_gev": (40.0, 120.0), "jet_pt_gev": (200.0, 340.0), "tau_21": (0.0, 1.0)}
LABELS = {"jet_mass_gev": "jet mass [GeV]", "jet_pt_gev": "jet transverse momentum [GeV]", "tau_21": "tau_21"}
BINS = 50
COLOUR_DECADES = 5
TITLES = {"qcd": "QCD", "w": "W boson"}

# Class -> (reference, generated)
Pairs = Mapping[str, tuple[ClassOfJets, ClassOfJets]]


def plot_jet_images(pairs: Pairs, names: tuple[str, str]) -> Figure:
    """Mean image of each class, real and generated, and their difference.

    Parameters
    ----------
    pairs : mapping
    names : (reference, generated)
    """
    from matplotlib.colors import LogNorm, SymLogNorm

    figure = new_figure(13, 3.6 * len(pairs) + 0.2)
    axes = figure.subplots(len(pairs), 3, squeeze=False)
    extent = (-EDGE, EDGE, -EDGE, EDGE)  # row 0, the highest phi, is drawn on top
    for row, (name, (real, made)) in zip(axes, pairs.items(), strict=True):
        hottest = max(float(real.mean_image_gev.max()), 1e-9)
        norm = LogNorm(hottest / 10**COLOUR_DECADES, hottest, clip=True)
        difference = made.mean_image_gev - real.mean_image_gev
        largest = max(float(np.abs(difference).max()), 1e-9)
        pictures = (
            (np.ma.masked_less_equal(real.mean_image_gev, 0.0), norm, "viridis", shortened(names[0], 22)),
            (np.ma.masked_less_equal(made.mean_image_gev, 0.0), norm, "viridis", shortened(names[1], 22)),
            (difference, SymLogNorm(largest / 1e3, vmin=-largest, vmax=largest), "RdBu_r", "generated - real"),
        )
        for panel, (picture, scale, colours, title) in zip(row, pictures, strict=True):
            drawn = panel.imshow(picture, norm=scale, cmap=colours, extent=extent, interpolation="nearest")
            figure.colorbar(drawn, ax=panel, label="GeV per pixel", fraction=0.046, pad=0.03)
            panel.set_title(f"{TITLES[name]}: {title}", fontsize=9)
            panel.set(xlabel="eta", ylabel="phi [rad]")
    figure.subplots_adjust(left=0.06, right=0.93, bottom=0.08, top=0.95, wspace=0.6, hspace=0.3)
    return figure


def plot_jet_observables(pairs: Pairs, names: tuple[str, str]) -> Figure:
    """Mass, transverse momentum and tau_21 (columns) of each class (rows), shares of the jets."""
    figure = new_figure(11, 3.1 * len(pairs) + 0.5)
    axes = figure.subplots(len(pairs), len(RANGES), squeeze=False)
    for row, (name, (real, made)) in zip(axes, pairs.items(), strict=True):
        for panel, (observable, ends) in zip(row, RANGES.items(), strict=True):
            edges = np.linspace(*ends, BINS + 1)
            shares = [np.histogram(item.observables[observable], edges)[0] / max(item.n, 1) for item in (real, made)]
            panel.stairs(shares[0], edges, fill=True, color=REFERENCE_FILL, label=shortened(names[0], 30))
            panel.stairs(shares[1], edges, color=GENERATED_COLOUR, label=shortened(names[1], 30))
            panel.set(xlabel=LABELS[observable], title=TITLES[name])
        row[0].set_ylabel("share of the jets")
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="upper center", ncols=2)
    figure.subplots_adjust(left=0.07, right=0.98, bottom=0.08, top=0.88, wspace=0.25, hspace=0.45)
    return figure


def plot_pixel_intensities(pairs: Pairs, names: tuple[str, str]) -> Figure:
    """Spectrum of the pixels above 0 of each class, per jet."""
    figure = new_figure(9, 3.6)
    axes = figure.subplots(1, len(pairs), squeeze=False)[0]
    for panel, (name, (real, made)) in zip(axes, pairs.items(), strict=True):
        for item, colour, source in zip((real, made), (REFERENCE_COLOUR, GENERATED_COLOUR), names, strict=True):
            panel.stairs(item.intensities, INTENSITY_EDGES_GEV, color=colour, label=shortened(source, 30))
        panel.set(xlabel="pixel transverse momentum [GeV]", title=TITLES[name], yscale="log")
    axes[0].set_ylabel("pixels per jet")
    axes[0].legend(fontsize=8)
    figure.subplots_adjust(left=0.09, right=0.98, bottom=0.16, top=0.9, wspace=0.2)
    return figure
