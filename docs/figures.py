"""Pictures of the documentation that no command of the package draws by itself.

calosim evaluate pretrained:photon --reference FILE --out judged/factorised
calosim evaluate pretrained:photon_calo_shower_gan --reference FILE --out judged/faithful
python docs/figures.py docs/figures/generators.png "photon_factorised=judged/factorised" "CaloShowerGAN=judged/faithful"
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from calosim_tf.physics.metrics.feature_histograms import FeatureHistogram
from calosim_tf.physics.metrics.written import NamedReport
from calosim_tf.plots.features import plot_features_together
from calosim_tf.plots.style import plot_style, save_picture
from calosim_tf.report.comparison import read_reports

# What a physicist asks first of a photon: the energy, its sharing among the layers, the widths, the empty voxels.
FEATURES = (
    "separation_e_tot_over_e_inc",
    "separation_layer_energy_layer_1",
    "separation_layer_energy_layer_2",
    "separation_width_r_layer_2",
    "separation_width_phi_layer_2",
    "separation_sparsity_layer_2",
)


def of_feature(reports: Sequence[NamedReport], name: str) -> list[FeatureHistogram]:
    """The feature's histogram in each report."""
    return [FeatureHistogram.from_json(name, report.document["histograms"][name]) for report in reports]


def main(arguments: Sequence[str] | None = None) -> int:
    """Draw the picture of several photon generators."""
    parser = argparse.ArgumentParser(description="Overlay features of photon generators from their reports.")
    parser.add_argument("picture", type=Path, metavar="PNG")
    parser.add_argument("reports", nargs="+", metavar="LABEL=REPORT", help="folder of calosim evaluate")
    given = parser.parse_args(arguments)
    labels, folders = zip(*(report.split("=", 1) for report in given.reports), strict=True)
    reports = read_reports([Path(folder) for folder in folders])
    with plot_style():
        figure = plot_features_together({name: of_feature(reports, name) for name in FEATURES}, labels)
        save_picture(figure, given.picture)
    return 0


if __name__ == "__main__":
    sys.exit(main())
