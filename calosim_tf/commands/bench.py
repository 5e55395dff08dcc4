"""``calosim bench``: seconds per iteration and per shower, as ratios within one run."""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path
from typing import Any

from calosim_tf.commands.bench_numbers import positive_integer, require_positive, seconds_text
from calosim_tf.commands.bench_predict import add_prediction, is_prediction, run_prediction
from calosim_tf.config.sections import PRECISIONS
from calosim_tf.config.settings_file import setting_values
from calosim_tf.errors import ConfigError


def add_parser(subparsers) -> None:
    """Describe the command."""
    parser = subparsers.add_parser("bench", help="time training steps and generation")
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    train = actions.add_parser("train", help="seconds per iteration: real input, constant input, bare step")
    train.add_argument(
        "experiments",
        nargs="+",
        metavar="EXPERIMENT",
        help="with several: the bare step of each and its memory, in separate processes, in turn",
    )
    train.add_argument("--steps", type=int, default=12, metavar="N", help="rounds, each way in turn (default 12)")
    train.add_argument("--threads", type=int, default=0)
    train.add_argument(
        "--precision", metavar="P[,P]", help=f"the same in precisions: some of {','.join(PRECISIONS)}, in turn"
    )
    train.add_argument("--json", action="store_true", help="print JSON")
    train.set_defaults(run=run_train)
    scaling = actions.add_parser("scaling", help="seconds per iteration and efficiency over workers of one core each")
    scaling.add_argument("experiment")
    scaling.add_argument("--workers", default="1,2", help="numbers of workers, separated by commas (default 1,2)")
    scaling.add_argument("--set", nargs="+", action="extend", default=[], metavar="KEY=VALUE", help="change a setting")
    scaling.add_argument("--engine", choices=("mirrored", "multiworker", "horovod"), default="multiworker")
    scaling.add_argument("--rounds", type=int, default=8, metavar="N", help="readings of each way, in turn (default 8)")
    scaling.add_argument("--steps", type=int, default=5, metavar="N", help="iterations per reading (default 5)")
    add_prediction(scaling)
    scaling.add_argument("--json", action="store_true", help="print JSON")
    scaling.set_defaults(run=run_scaling)
    generate = actions.add_parser("generate", help="network-only and whole-job time per shower")
    generate.add_argument(
        "names", nargs="*", metavar="EXPERIMENT_OR_RUN_OR_BUNDLE", help="without any, with --table: all of the package"
    )
    generate.add_argument(
        "--table",
        metavar="F",
        help="parameters, multiply-adds and time of several generators, without their bundles, as a Markdown table; "
        "--batch, --steps, --backend, --out and --plot as below (defaults: 1,10000; 3; tf,onnx,tflite)",
    )
    generate.add_argument(
        "--protocol",
        choices=("rehm",),
        help="as the 3DGAN paper: 20 warm-up batches, 100 readings of 20 batches of 128, several networks in turn, "
        "experiments freshly initialised",
    )
    generate.add_argument("--batch", help="batch sizes, separated by commas (default 1,100,10000; one for a protocol)")
    generate.add_argument(
        "--backend",
        help="some of tf,xla,onnx,tflite (default: all that are installed; for a protocol tf)",
    )
    generate.add_argument(
        "--steps", type=int, metavar="N", help="readings of the network clock (default 12, or protocol)"
    )
    generate.add_argument(
        "--jobs", type=int, default=3, metavar="N", help="readings of the whole-job clock, 0 for none"
    )
    generate.add_argument("--events", type=int, metavar="N", help="showers per whole job (default: by batch size)")
    generate.add_argument("--precision", help="of float32,float16,dynamic,int8,int16x8 (default: all of the bundle)")
    generate.add_argument("--threads", type=int, default=0, metavar="N", help="0 for one per core (default)")
    generate.add_argument("--out", metavar="F", help="also write the JSON to a file")
    generate.add_argument("--plot", metavar="F", help="bar chart, for example bench.png")
    generate.add_argument("--json", action="store_true", help="print JSON")
    generate.set_defaults(run=run_generate)


def run_train(args: argparse.Namespace) -> int:
    """Time the training step on the default data, in a split that of each member."""
    from calosim_tf.data_prep.default_data import source_of
    from calosim_tf.experiments import get_experiment

    require_positive("--steps", args.steps)
    experiments = [get_experiment(name) for name in dict.fromkeys(args.experiments)]
    if len(experiments) > 1 or args.precision:
        return _run_steps(experiments, args)
    experiment = experiments[0]
    source = source_of(experiment.data)

    from calosim_tf.benchmark.training_step import bench_train
    from calosim_tf.training.parts import parts
    from calosim_tf.training.run_folder import RunFolder
    from calosim_tf.training.strategies.devices import set_threads

    set_threads(args.threads)
    found = parts(experiment, source, RunFolder(Path(experiment.run.out)))
    results = [bench_train(part.experiment, part.source, args.steps) for part in found]
    if args.json:
        content = {"experiment": experiment.name, "members": results} if experiment.members else results[0]
        print(json.dumps(content, indent=2))
        return 0
    for part, result in zip(found, results, strict=True):
        _print_train(part.experiment, result, args)
    return 0


def run_scaling(args: argparse.Namespace) -> int:
    """Time the training step with several workers, one core each, or predict it for more of them."""
    from calosim_tf.experiments import get_experiment

    require_positive("--rounds", args.rounds)
    require_positive("--steps", args.steps)
    if is_prediction(args):
        return run_prediction(args)
    workers = [positive_integer("--workers", item) for item in args.workers.split(",")]
    settings = setting_values(args.set)
    cores, experiment = len(os.sched_getaffinity(0)), get_experiment(args.experiment).with_values(settings)
    if max(workers) > cores:
        raise ConfigError(f"--workers: found {max(workers)}, expected at most {cores}, the cores of this machine")
    if experiment.members:
        raise ConfigError(f"bench scaling: found the split {experiment.name!r}, expected an experiment of one network")
    batch = experiment.training.batch_size
    if any(batch % number for number in workers):
        raise ConfigError(f"--workers: found {args.workers}, expected divisors of the batch of {batch}")
    from calosim_tf.benchmark.scaling import bench_scaling
    from calosim_tf.benchmark.worker_group import transport_of

    transport = transport_of(args.engine)
    rows = bench_scaling(experiment.name, settings, batch, workers, args.engine, args.rounds, args.steps)
    if args.json:
        content = {"experiment": experiment.name, "engine": args.engine, "transport": transport, "rows": rows}
        print(json.dumps(content, indent=2))
        return 0
    print(
        f"{experiment.name}, {args.engine} ({transport}), one core per worker, median of {args.rounds} rounds in turn "
        f"(min - max); efficiency against {workers[0]} worker"
    )
    for row in rows:
        print(
            f"  fixed {row['fixed']:10} batch, {row['workers']} workers, global batch {row['global_batch']:>5}: "
            f"{seconds_text(row['seconds_per_iteration'], 1.0, 's')}   efficiency {row['efficiency']['median']:.3f} "
            f"({row['efficiency']['min']:.3f} - {row['efficiency']['max']:.3f})   "
            f"all-reduce {row['reduction_share']['median']:.1%}   input {row['input_share']['median']:.1%}"
        )
    return 0


def _run_steps(experiments: list, args: argparse.Namespace) -> int:
    for experiment in experiments:
        if experiment.members:
            raise ConfigError(f"bench train: found the split {experiment.name!r} among several: time it alone")
    precisions = _precisions(args.precision)
    from calosim_tf.benchmark.steps import bench_steps

    rows = bench_steps([experiment.name for experiment in experiments], args.steps, args.threads, precisions)
    if args.json:
        print(json.dumps({"rounds": args.steps, "rows": rows}, indent=2))
        return 0
    first = rows[0]["experiment"] + (f" {rows[0]['precision']}" if len(precisions) > 1 else "")
    print(f"bare training step, {rows[0]['threads']} threads, median of {args.steps} processes in turn (min - max)")
    for row in rows:
        print(
            f"  {row['experiment']:26} {row['precision']:14} batch {row['batch_size']:>5} "
            f"{seconds_text(row['seconds_per_step'], 1.0, 's')}   over {first} {row['over_first']['median']:.3f}x   "
            f"peak memory {row['peak_memory_mib']} MiB, {row['memory_before_mib']} before the first step"
        )
    return 0


def _precisions(text: str | None) -> list[str | None]:
    """Values of ``--precision``; None alone for that of each experiment."""
    if text is None:
        return [None]
    from calosim_tf.training.processor import require_units

    found = list(dict.fromkeys(text.split(",")))
    for item in found:
        if item not in PRECISIONS:
            raise ConfigError(f"--precision: found {item!r}, expected some of {','.join(PRECISIONS)}")
        if item != "float32":
            require_units(item.removeprefix("mixed_"), f"--precision: found {item}")
    return found


def _print_train(experiment, result: dict[str, Any], args: argparse.Namespace) -> None:
    print(
        f"{experiment.name}, batch {result['batch_size']}, {result['threads']} threads, "
        f"median of {args.steps} rounds (min - max)"
    )
    for name, value in result["seconds_per_iteration"].items():
        print(f"  {name:22} {seconds_text(value, 1.0, 's')} per iteration")
    print(f"  input cost   {seconds_text(result['input_cost'], 1.0, 'x')} (real over constant input)")
    print(f"  Keras cost   {seconds_text(result['keras_cost'], 1.0, 'x')} (fit over the bare traced step)")


def run_generate(args: argparse.Namespace) -> int:
    """Time generation: all back ends of one generator, or several networks as a paper did."""
    if args.table and args.protocol:
        raise ConfigError("--table: found with --protocol, expected one of both")
    if not (args.names or args.table):
        raise ConfigError("bench generate: found no name, expected an experiment, a run or a bundle, or --table")
    for option, path in (("--table", args.table), ("--out", args.out), ("--plot", args.plot)):
        if path and not Path(path).absolute().parent.is_dir():
            raise ConfigError(f"{option} {path}: its folder does not exist; create it first")
    if args.threads < 0:
        raise ConfigError(f"--threads: found {args.threads}, expected a number >= 1, or 0 for one per core")
    if args.table:
        from calosim_tf.commands.bench_table import run_table

        return run_table(args)
    if args.protocol:
        from calosim_tf.commands.bench_protocol import run_protocol

        return run_protocol(args)
    from calosim_tf.commands import bench_generate

    return bench_generate.run_generate(args)
