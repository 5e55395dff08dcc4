"""``calosim train EXPERIMENT``: train, select a checkpoint by physics, write a report."""

from __future__ import annotations

import argparse
import contextlib
import functools
from pathlib import Path
from typing import Any

from calosim_tf.commands.file_options import add_binning
from calosim_tf.commands.strategy_options import add_options, plan_line, refuse_early, shared_experiment
from calosim_tf.config import AnyExperiment
from calosim_tf.config.settings_file import flatten, parse_content, read_text, setting_values
from calosim_tf.errors import ConfigError
from calosim_tf.messages import note

# All settings of an experiment take a tenth of it
MAX_SETTINGS_CHARACTERS = 100_000


def add_parser(subparsers) -> None:
    """Describe the command."""
    parser = subparsers.add_parser("train", help="train an experiment and judge it")
    parser.add_argument("experiment", help="a name from `calosim list`")
    parser.add_argument(
        "--data", nargs="+", metavar="F", help="data files (default: the bundled sample, or parametrised showers)"
    )
    add_binning(parser)
    parser.add_argument("--out", metavar="DIR", help="run folder (default: runs/EXPERIMENT)")
    parser.add_argument("--iterations", metavar="N", help="generator updates of the whole run (of each in a split)")
    parser.add_argument("--seed", metavar="S")
    parser.add_argument("--set", nargs="+", action="extend", default=[], metavar="KEY=VALUE", help="change a setting")
    parser.add_argument("--config", metavar="F", help="YAML or JSON file with settings, before --set")
    parser.add_argument("--resume", action="store_true", help="continue the run in the folder, or start it")
    parser.add_argument("--force", action="store_true", help="overwrite an existing run, or resume a different one")
    parser.add_argument("--no-report", action="store_true", help="do not write a report at the end")
    add_options(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Check everything that can be checked without TensorFlow, then train."""
    experiment = configure(args)
    refuse_early(args, experiment)
    from calosim_tf.training.signals import stop_at_once

    with stop_at_once(Path(experiment.run.out)):
        return _train(args, experiment) if args.strategy == "none" else _train_shared(args, experiment)


def _train(args: argparse.Namespace, experiment: AnyExperiment) -> int:
    from calosim_tf.api.training import train_alone

    train_alone(
        shared_experiment(args, experiment, 1),
        args.data,
        resume=args.resume,
        force=args.force,
        at_the_end=lambda run, source: _report(args, source, run),
    )
    return 0


def _train_shared(args: argparse.Namespace, experiment: AnyExperiment) -> int:
    """The same with several processes or devices, which have to be connected before anything else."""
    from calosim_tf.api.training import begin
    from calosim_tf.data_prep.default_data import default_data, source_of
    from calosim_tf.training.run_folder import RunFolder
    from calosim_tf.training.strategies.connect import connect
    from calosim_tf.training.strategies.devices import set_threads, split_cpu
    from calosim_tf.training.train import train

    set_threads(experiment.run.threads)
    split_cpu()
    strategy = connect(args.strategy, fp16=args.fp16_gradients)
    run_folder = RunFolder(Path(experiment.run.out))
    with strategy.watching(str(run_folder.path)), contextlib.ExitStack() as stack:
        experiment = strategy.together(lambda: shared_experiment(args, experiment, strategy.replicas.number))
        strategy.together(lambda: strategy.require_compilable(experiment))
        strategy.on_chief(lambda: run_folder.refuse_early(resume=args.resume, force=args.force))
        if not args.data:
            # made on first use, by one
            strategy.on_chief(lambda: default_data(experiment.data.layout))
        source = strategy.together(lambda: source_of(experiment.data, args.data, strategy.local_processes))
        lock = strategy.on_chief(
            lambda: begin(experiment, source, run_folder, stack, resume=args.resume, force=args.force)
        )
        if strategy.is_chief:
            note(f"{plan_line(args, experiment, strategy.replicas.number)}")
        train(experiment, source, run_folder, lock.require_held if lock else lambda: None, strategy)
        if strategy.is_chief:
            _report(args, source, run_folder)
    return 0


def _report(args: argparse.Namespace, source, run_folder) -> None:
    if args.no_report:
        return
    from calosim_tf.api.training import report_on
    from calosim_tf.experiments import full_size
    from calosim_tf.training.judging.verdict import print_verdict

    report_on(run_folder, source, functools.partial(print_verdict, full=full_size(args.experiment)))


def configure(args: argparse.Namespace) -> AnyExperiment:
    """Experiment with the command line's changes: file first, then ``--set``, then the short options."""
    from calosim_tf.api.own_voxels import binning_values
    from calosim_tf.api.training import configured

    values: dict[str, Any] = {}
    if args.config:
        values |= read_settings(Path(args.config))
    values |= setting_values(args.set)
    short = {"training.iterations": args.iterations, "run.seed": args.seed, "run.out": args.out or None}
    values |= {key: value for key, value in short.items() if value is not None}
    if args.binning:
        if not args.data:
            raise ConfigError("--binning: found it without --data, expected showers in these voxels: name the files")
        values |= binning_values(args.experiment, Path(args.binning), values)
    return configured(args.experiment, values)


def read_settings(path: Path) -> dict[str, Any]:
    """Dotted keys of a YAML or JSON settings file; nested tables and dotted keys may be mixed."""
    content = parse_content(path, read_text(path, MAX_SETTINGS_CHARACTERS, "--config"))
    if not isinstance(content, dict):
        raise ConfigError(
            f"{path}: found a {type(content).__name__}, expected a table such as training: {{batch_size: 256}}"
        )
    return flatten(content)
