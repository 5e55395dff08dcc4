"""Pictures of the documentation that no command of the package draws by itself.

calosim evaluate pretrained:photon --reference FILE --out judged/factorised
calosim evaluate pretrained:photon_calo_shower_gan --reference FILE --out judged/faithful
python docs/figures.py docs/figures/generators.png "pretrained:photon (ours)=judged/factorised" \\
    "CaloShowerGAN=judged/faithful"
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from calosim_tf.physics.metrics.feature_histograms import FeatureHistogram
from calosim_tf.physics.metrics.written import NamedReport
from calosim_tf.plots.features import draw_feature
from calosim_tf.plots.panels import Panel
from calosim_tf.plots.style import LINE_COLOURS, plot_style, save_picture
from calosim_tf.report.comparison import read_reports

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# What a physicist asks first of a photon: the energy, its sharing among the layers, the width, the empty voxels.
FEATURES = {
    "separation_e_tot_over_e_inc": "E_tot/E_inc",
    "separation_layer_energy_layer_1": "energy of layer 1 [MeV]",
    "separation_width_phi_layer_2": "layer 2: width in phi [mm]",
    "separation_sparsity_layer_2": "layer 2: empty voxels (share)",
}
# A phone shows a picture 358 pixels wide: 11 points in 6 inches are then 9 pixels high.
WIDTH_INCHES, HEIGHT_INCHES, FONT_POINTS, DPI = 6.0, 5.6, 11, 200


def of_feature(reports: Sequence[NamedReport], name: str) -> list[FeatureHistogram]:
    """The feature's histogram in each report."""
    return [FeatureHistogram.from_json(name, report.document["histograms"][name]) for report in reports]


def draw(reports: Sequence[NamedReport], labels: Sequence[str]) -> Figure:
    """All features, two in a row, with letters that a phone can show."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH_INCHES, HEIGHT_INCHES), dpi=DPI)
    cells = figure.add_gridspec(2, 2, left=0.12, right=0.97, bottom=0.09, top=0.93, wspace=0.27, hspace=0.3)
    for number, (name, label) in enumerate(FEATURES.items()):
        cell = cells[divmod(number, 2)].subgridspec(2, 1, height_ratios=(3, 1), hspace=0.08)
        main, ratio = cell.subplots(sharex=True)
        draw_feature(Panel(main, ratio), of_feature(reports, name), LINE_COLOURS, labels)
        ratio.set(xlabel=label, yticks=(0.6, 1.0, 1.4))
        for axes in (main, ratio):
            axes.tick_params(labelsize=FONT_POINTS)
        if number % 2 == 0:
            main.set_ylabel("share of showers")
            ratio.set_ylabel("ratio")
    figure.align_ylabels()
    handles, _ = figure.axes[0].get_legend_handles_labels()
    names = ["Monte Carlo", *labels]
    figure.legend(handles, names, loc="upper center", ncols=len(names), columnspacing=1.2, handlelength=1.4)
    return figure


def main(arguments: Sequence[str] | None = None) -> int:
    """Draw the picture of several photon generators."""
    parser = argparse.ArgumentParser(description="Overlay features of photon generators from their reports.")
    parser.add_argument("picture", type=Path, metavar="PNG")
    parser.add_argument("reports", nargs="+", metavar="LABEL=REPORT", help="folder of calosim evaluate")
    given = parser.parse_args(arguments)
    labels, folders = zip(*(report.split("=", 1) for report in given.reports), strict=True)
    reports = read_reports([Path(folder) for folder in folders])
    with plot_style():
        save_picture(draw(reports, labels), given.picture)
    return 0


if __name__ == "__main__":
    sys.exit(main())
