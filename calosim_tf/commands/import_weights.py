"""``calosim import-weights``: public weights of the Conv3D generator as a run folder."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

from calosim_tf.commands.train import setting_values
from calosim_tf.errors import ConfigError, DataError
from calosim_tf.experiments import get_experiment
from calosim_tf.messages import note


def add_parser(subparsers) -> None:
    """Describe the command."""
    parser = subparsers.add_parser("import-weights", help="a run folder from a public Keras weights file of conv3d")
    parser.add_argument("file", metavar="FILE", help="HDF5 with the authors' layer names")
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
    parser.add_argument("--channels-first", action="store_true", help="the file was trained with channels first")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Check the request, then convert."""
    experiment = get_experiment(args.experiment).with_values(setting_values(args.set))
    if experiment.members:
        raise ConfigError(f"--experiment {experiment.name}: found a split, expected conv3d")
    path = Path(args.file)
    if not path.is_file():
        raise DataError(f"{path}: found no file, expected a Keras weights file in HDF5")

    from calosim_tf.training.imported_run import write_imported_run

    named = replace(experiment, name=f"{experiment.name}, imported weights")
    write_imported_run(path, named, Path(args.out), channels_first=args.channels_first)
    note(f"{args.out}: {experiment.name} with the weights of {path}")
    return 0
