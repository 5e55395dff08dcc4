"""All plots of a report, with their captions; a new plot is one more entry of ``PICTURES``."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from calosim_tf.physics.metrics.comparison import Comparison
from calosim_tf.physics.metrics.metric import Results, distance_from_ideal
from calosim_tf.plots.energies import RESPONSE_COLUMNS, plot_energy_grid, plot_response
from calosim_tf.plots.features import MAX_FEATURES, plot_worst_features
from calosim_tf.plots.showers import plot_mean_shower
from calosim_tf.plots.spectra import CELL_MOMENTS, MOMENTS, plot_layer_energies, plot_moments, plot_voxel_spectrum
from calosim_tf.plots.style import plot_style, save_picture
from calosim_tf.plots.training import plot_losses, plot_selection

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Scene:
    """What plots are drawn from; ``selection`` and ``history`` are the columns of the run folder's tables, if there."""

    comparison: Comparison
    results: Results
    selection: Mapping[str, np.ndarray] | None = None
    history: Mapping[str, np.ndarray] | None = None

    @property
    def provides(self) -> frozenset[str]:
        """The comparison's quantities, the metrics measured per energy, and ``selection`` and ``history`` if given."""
        tables = {"selection": self.selection, "history": self.history}
        names = {name for name, table in tables.items() if table is not None} | set(self.results.overall)
        for entries in self.results.per_energy.values():
            names.update(entries)
        return self.comparison.provides | names

    @property
    def mc_vs_mc_chi2(self) -> float | None:
        """chi2/NDF of Monte Carlo against Monte Carlo, if it was measured."""
        return self.results.overall.get("chi2_ndf_total_energy", {}).get("reference_vs_reference")


@dataclass(frozen=True)
class Picture:
    """A plot of the report: file name (without ending), title, caption, function, what it needs of the scene, and
    prefixes of the metrics that it shows.
    """

    name: str
    title: str
    caption: str
    draw: Callable[[Scene], Figure]
    needs: frozenset[str] = frozenset()
    shows: tuple[str, ...] = ()

    def worst_distance(self, results: Results) -> float:
        """Largest :func:`distance_from_ideal` of the metrics that the plot shows; below 0 if it shows none."""
        shown = [entry for name, entry in results.overall.items() if self.shows and name.startswith(self.shows)]
        return max(map(distance_from_ideal, shown), default=-1.0)


PICTURES = (
    Picture(
        "worst_features",
        "Worst features first",
        f"The {MAX_FEATURES} features whose separation power is furthest from that of MC vs MC (times in the title), in"
        " the bins of that number, all incident energies, after the voxel threshold. Ratio: generated over reference,"
        " band: error of the reference. The range shown holds the central 99.6 % of each sample.",
        lambda scene: plot_worst_features(scene.comparison, scene.results),
        frozenset({"separation_layer_energy"}),
        ("",),
    ),
    Picture(
        "energy_grid",
        "Total energy per incident energy",
        "E_tot/E_inc, no threshold; showers outside of the range are given as reference | generated. χ²/NDF is that"
        " of the checkpoint selection, which has its own bins. Ratio: generated over reference, band: error of the"
        " reference.",
        lambda scene: plot_energy_grid(scene.comparison),
        shows=("chi2_ndf_total_energy", "separation_e_tot", "response_mean"),
    ),
    Picture(
        "response",
        "Response and resolution",
        "Mean and width of E_tot/E_inc, no threshold. Band: independent Monte Carlo against the reference, one standard"
        " deviation.",
        lambda scene: plot_response(scene.comparison, scene.results),
        frozenset(f"{name}{ending}" for name, *_ in RESPONSE_COLUMNS for ending in ("", "_ratio")),
        ("response_",),
    ),
    Picture(
        "layer_energies",
        "Layer energies",
        "All incident energies, after the voxel threshold. Showers below the threshold are outside of the bins; their"
        " share is given as reference | generated. Of more than 12 layers every so many are shown.",
        lambda scene: plot_layer_energies(scene.comparison),
        frozenset({"energy_thresholded"}),
        ("separation_layer_energy", "layer_energy"),
    ),
    Picture(
        "voxel_spectrum",
        "Voxel energies",
        "All voxels of all showers above the voxel threshold. Errors from the spread over groups of showers.",
        lambda scene: plot_voxel_spectrum(scene.comparison),
        shows=("separation_voxel_energy",),
    ),
    Picture(
        "moments",
        "Energy centres and widths",
        "All incident energies, after the voxel threshold, layers with several angular bins.",
        lambda scene: plot_moments(scene.comparison),
        frozenset(MOMENTS),
        ("separation_centre", "separation_width", "centre_", "width_"),
    ),
    Picture(
        "moments",
        "Energy centres and widths",
        "All incident energies, after the voxel threshold. Of more than 7 layers every so many are shown.",
        lambda scene: plot_moments(scene.comparison),
        frozenset(CELL_MOMENTS),
        ("separation_centre", "separation_width", "centre_", "width_"),
    ),
    Picture(
        "mean_shower",
        "Mean shower per layer",
        "Mean energy per voxel over all showers, no threshold: high incident energies weigh most. Radius"
        " log10(1 + r/mm). Rings at 1, 10, 100 mm. White: no energy in one of the two.",
        lambda scene: plot_mean_shower(scene.comparison),
        frozenset({"centre_r"}),
    ),
    Picture(
        "mean_shower",
        "Mean shower per layer",
        "Mean energy per cell over all showers, no threshold: high incident energies weigh most. White: no energy in"
        " one of the two. Of more than 5 layers every so many are shown.",
        lambda scene: plot_mean_shower(scene.comparison),
        frozenset({"centre_x"}),
    ),
    Picture(
        "selection",
        "Choice of the checkpoint",
        "χ²/NDF of the total energy at each checkpoint. It grows with the number of showers used, which may differ from"
        " that of the MC vs MC line.",
        lambda scene: plot_selection(scene.selection, scene.mc_vs_mc_chi2),
        frozenset({"selection"}),
    ),
    Picture(
        "losses",
        "Losses",
        "Terms of the losses against the iteration.",
        lambda scene: plot_losses(scene.history),
        frozenset({"history"}),
    ),
)


def draw_all(scene: Scene, folder: Path) -> Iterator[Picture]:
    """Draw every plot that the scene provides for into ``folder/<name>.png`` and yield it."""
    for picture in PICTURES:
        if picture.needs <= scene.provides:
            with plot_style():
                save_picture(picture.draw(scene), folder / f"{picture.name}.png")
            yield picture
