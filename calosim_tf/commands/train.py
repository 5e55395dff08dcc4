"""``calosim train EXPERIMENT``: train, select a checkpoint by physics, write a report."""

from __future__ import annotations

import argparse
import contextlib
import json
from pathlib import Path
from typing import Any

from calosim_tf.commands.strategy_options import add_options, plan_line, refuse_early, shared_experiment
from calosim_tf.config import AnyExperiment
from calosim_tf.errors import ConfigError
from calosim_tf.messages import note

# All settings of an experiment take a tenth of it
MAX_SETTINGS_CHARACTERS = 100_000


def add_parser(subparsers) -> None:
    """Describe the command."""
    parser = subparsers.add_parser("train", help="train an experiment and judge it")
    parser.add_argument("experiment")
    parser.add_argument(
        "--data", nargs="+", metavar="F", help="data files (default: the bundled sample, or parametrised showers)"
    )
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
    from calosim_tf.training.judging.verdict import print_verdict

    report_on(run_folder, source, print_verdict)


def configure(args: argparse.Namespace) -> AnyExperiment:
    """Experiment with the command line's changes: file first, then ``--set``, then the short options."""
    from calosim_tf.api.training import configured

    values: dict[str, Any] = {}
    if args.config:
        values |= read_settings(Path(args.config))
    values |= setting_values(args.set)
    short = {"training.iterations": args.iterations, "run.seed": args.seed, "run.out": args.out or None}
    return configured(args.experiment, values | {key: value for key, value in short.items() if value is not None})


def setting_values(items: list[str]) -> dict[str, str]:
    """Dotted keys of ``--set``."""
    values = {}
    for item in items:
        key, equals, value = item.partition("=")
        if not equals:
            raise ConfigError(f"--set: found {item!r}, expected KEY=VALUE")
        values[key.strip()] = value.strip()
    return values


def read_settings(path: Path) -> dict[str, Any]:
    """Dotted keys of a YAML or JSON settings file; nested tables and dotted keys may be mixed."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read ({error}), expected a YAML or JSON file with settings") from error
    if len(text) > MAX_SETTINGS_CHARACTERS:
        raise ConfigError(f"{path}: holds {len(text)} characters, expected a file with settings: check --config")
    content = _parse_json(path, text) if path.suffix == ".json" else _parse_yaml(path, text)
    if not isinstance(content, dict):
        raise ConfigError(
            f"{path}: found a {type(content).__name__}, expected a table such as training: {{batch_size: 256}}"
        )
    return _flatten(content)


def _parse_json(path: Path, text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{path}: is not JSON ({error})") from error


def _parse_yaml(path: Path, text: str) -> Any:
    import yaml

    class SettingsLoader(yaml.SafeLoader):
        """Plain values, each key once; no references, with which a few lines can expand to gigabytes."""

        def compose_node(self, parent, index):
            if self.check_event(yaml.AliasEvent):
                raise yaml.YAMLError("references (*name) are not used in settings")
            return super().compose_node(parent, index)

        def construct_mapping(self, node, deep=False):
            names = [key.value for key, _ in node.value]
            repeated = next((name for name in names if names.count(name) > 1), None)
            if repeated is not None:
                raise yaml.YAMLError(f"{repeated!r} is given twice")
            return super().construct_mapping(node, deep)

    try:
        return yaml.load(text, SettingsLoader)
    # invalid dates and numbers, empty values, impossible keys: not all of these raise a YAMLError
    except (yaml.YAMLError, ValueError, TypeError, AttributeError, LookupError, RecursionError) as error:
        raise ConfigError(f"{path}: is not YAML ({error})") from error


def _flatten(nested: dict, prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in nested.items():
        flat |= _flatten(value, f"{prefix}{key}.") if isinstance(value, dict) else {f"{prefix}{key}": value}
    return flat
