"""``calosim import-weights``: public weights of the Conv3D generator or of the LHCb WGAN as a run folder."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

from calosim_tf.config import Conv3dGanNetwork
from calosim_tf.config.settings_file import setting_values
from calosim_tf.errors import ConfigError
from calosim_tf.experiments import get_experiment
from calosim_tf.messages import note


def add_parser(subparsers) -> None:
    """Describe the command."""
    parser = subparsers.add_parser("import-weights", help="a run folder from public weights of conv3d or lhcb_wgan")
    parser.add_argument(
        "file", metavar="FILE", help="conv3d: HDF5 with the authors' layer names; lhcb_wgan: npz of the state dict"
    )
    parser.add_argument("--experiment", default="conv3d", help="with the network of the file (default conv3d)")
    parser.add_argument("--out", required=True, metavar="RUN", help="new run folder")
    parser.add_argument(
        "--set",
        nargs="+",
        action="extend",
        default=[],
        metavar="KEY=VALUE",
        help="change a setting; the public files have network.first_filters=64",
    )
    parser.add_argument("--channels-first", action="store_true", help="conv3d: trained with channels first")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Check the request, then convert."""
    from calosim_tf.training.public_weights.weights_file import require_importable

    experiment = get_experiment(args.experiment).with_values(setting_values(args.set))
    if experiment.members:
        raise ConfigError(f"--experiment {experiment.name}: found a split, expected conv3d or lhcb_wgan")
    path = Path(args.file)
    require_importable(experiment, path)
    if args.channels_first and not isinstance(experiment.network, Conv3dGanNetwork):
        raise ConfigError(f"--channels-first is for conv3d, found it with {experiment.name}: leave it out")

    from calosim_tf.training.public_weights.imported_run import write_imported_run

    named = replace(experiment, name=f"{experiment.name}, imported weights")
    write_imported_run(path, named, Path(args.out), channels_first=args.channels_first)
    note(f"{args.out}: {experiment.name} with the weights of {path}")
    return 0
