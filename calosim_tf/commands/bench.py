"""``calosim bench``: seconds per iteration and per shower, as ratios within one run."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from calosim_tf.errors import ConfigError

# (batch, showers of the whole job): start-up is part of the job, so small batches get fewer showers
JOB_EVENTS = {1: 1_000, 100: 10_000}
DEFAULT_BATCHES = "1,100,10000"
DEFAULT_STEPS = 12
LARGE_JOB_EVENTS = 121_000  # the public photon file, and the talk's own timing


def add_parser(subparsers) -> None:
    """Describe the command."""
    parser = subparsers.add_parser("bench", help="time training steps and generation")
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    train = actions.add_parser("train", help="seconds per iteration: real input, constant input, bare step")
    train.add_argument(
        "experiments",
        nargs="+",
        metavar="EXPERIMENT",
        help="with several: the bare step of each and its memory, in processes of their own, in turn",
    )
    train.add_argument("--steps", type=int, default=12, metavar="N", help="rounds, each way in turn (default 12)")
    train.add_argument("--threads", type=int, default=0)
    train.add_argument("--json", action="store_true", help="print JSON")
    train.set_defaults(run=run_train)
    generate = actions.add_parser("generate", help="network-only and whole-job time per shower")
    generate.add_argument("names", nargs="+", metavar="EXPERIMENT_OR_RUN_OR_BUNDLE")
    generate.add_argument(
        "--protocol",
        choices=("rehm",),
        help="as the 3DGAN paper: 20 warm-up batches, 100 readings of 20 batches of 128, several networks in turn, "
        "experiments freshly initialised",
    )
    generate.add_argument(
        "--batch", help=f"batch sizes, separated by commas (default {DEFAULT_BATCHES}; one for a protocol)"
    )
    generate.add_argument(
        "--backend", help="back ends, separated by commas (default tf,xla; for a protocol tf, and onnx is possible)"
    )
    generate.add_argument(
        "--steps", type=int, metavar="N", help=f"readings of the network clock (default {DEFAULT_STEPS}, or protocol)"
    )
    generate.add_argument(
        "--jobs", type=int, default=3, metavar="N", help="readings of the whole-job clock, 0 for none"
    )
    generate.add_argument("--events", type=int, metavar="N", help="showers per whole job (default: by batch size)")
    generate.add_argument("--threads", type=int, default=0)
    generate.add_argument("--json", action="store_true", help="print JSON")
    generate.set_defaults(run=run_generate)


def run_train(args: argparse.Namespace) -> int:
    """Time the training step on the default data, in a split that of each member."""
    from calosim_tf.data_prep.default_data import source_of
    from calosim_tf.experiments import get_experiment

    require_positive("--steps", args.steps)
    experiments = [get_experiment(name) for name in dict.fromkeys(args.experiments)]
    if len(experiments) > 1:
        return _run_steps(experiments, args)
    experiment = experiments[0]
    source = source_of(experiment.data)

    from calosim_tf.bench import bench_train
    from calosim_tf.training.devices import set_threads
    from calosim_tf.training.parts import parts
    from calosim_tf.training.run_folder import RunFolder

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


def _run_steps(experiments: list, args: argparse.Namespace) -> int:
    for experiment in experiments:
        if experiment.members:
            raise ConfigError(f"bench train: found the split {experiment.name!r} among several: time it alone")
    from calosim_tf.bench_steps import bench_steps

    rows = bench_steps([experiment.name for experiment in experiments], args.steps, args.threads)
    if args.json:
        print(json.dumps({"rounds": args.steps, "rows": rows}, indent=2))
        return 0
    first = rows[0]["experiment"]
    print(f"bare training step, {rows[0]['threads']} threads, median of {args.steps} processes in turn (min - max)")
    for row in rows:
        print(
            f"  {row['experiment']:26} batch {row['batch_size']:>5} {_seconds(row['seconds_per_step'], 1.0, 's')}   "
            f"over {first} {row['over_first']['median']:.3f}x   "
            f"peak memory {row['peak_memory_mib']} MiB, {row['memory_before_mib']} before the first step"
        )
    return 0


def _print_train(experiment, result: dict[str, Any], args: argparse.Namespace) -> None:
    print(
        f"{experiment.name}, batch {result['batch_size']}, {result['threads']} threads, "
        f"median of {args.steps} rounds (min - max)"
    )
    for name, value in result["seconds_per_iteration"].items():
        print(f"  {name:22} {_seconds(value, 1.0, 's')} per iteration")
    print(f"  input cost   {_seconds(result['input_cost'], 1.0, 'x')} (real over constant input)")
    print(f"  Keras cost   {_seconds(result['keras_cost'], 1.0, 'x')} (fit over the bare traced step)")


def run_generate(args: argparse.Namespace) -> int:
    """Time generation: the network in this process, the whole job in processes of its own."""
    if args.protocol:
        from calosim_tf.commands.bench_protocol import run_protocol

        return run_protocol(args)
    if len(args.names) > 1:
        raise ConfigError(f"bench generate: found {len(args.names)} names, expected one, or --protocol for several")
    batches = [positive_integer("--batch", item) for item in (args.batch or DEFAULT_BATCHES).split(",")]
    backends = (args.backend or "tf,xla").split(",")
    steps = DEFAULT_STEPS if args.steps is None else args.steps
    for backend in backends:
        if backend not in ("tf", "xla"):
            raise ConfigError(f"--backend: found {backend!r}, expected tf or xla")
    require_positive("--steps", steps)
    name = _run_name(args.names[0])

    from calosim_tf.data.bundled import run_path
    from calosim_tf.training.run_folder import RunFolder

    run_folder = RunFolder(run_path(name))
    run_folder.experiment()

    from calosim_tf.bench import bench_job, bench_network
    from calosim_tf.training.devices import set_threads, threads_in_use
    from calosim_tf.training.load import load_generator

    set_threads(args.threads)
    generators = {backend: load_generator(run_folder, jit_compile=backend == "xla")[0] for backend in backends}
    rows = []
    for batch in batches:
        network = bench_network(generators, batch, steps)
        for backend in backends:
            row: dict[str, Any] = {"batch": batch, "backend": backend, "network_seconds_per_shower": network[backend]}
            if args.jobs > 0:
                events = args.events or JOB_EVENTS.get(batch, LARGE_JOB_EVENTS)
                row["job"] = bench_job(name, backend, batch, events, args.jobs)
            rows.append(row)
    result = {"generator": name, "threads": threads_in_use(), "readings": steps, "jobs": args.jobs, "rows": rows}
    print(json.dumps(result, indent=2) if args.json else _format_generate(result))
    return 0


def _format_generate(result: dict[str, Any]) -> str:
    lines = [
        f"{result['generator']}, {result['threads']} threads; "
        f"network: median of {result['readings']} readings (min - max); "
        f"job: process start to closed HDF5 file, median of {result['jobs']}"
    ]
    for row in result["rows"]:
        network = _seconds(row["network_seconds_per_shower"], 1e6, "us")
        line = f"  batch {row['batch']:>6} {row['backend']:4} network {network}"
        if "job" in row:
            job = row["job"]
            line += (
                f"   job {_seconds(job['seconds_per_shower'], 1e3, 'ms')} per shower of {job['events']}, "
                f"peak memory {job['peak_memory_mib']} MiB"
            )
        lines.append(line)
    for batch in dict.fromkeys(row["batch"] for row in result["rows"]):
        group = [row for row in result["rows"] if row["batch"] == batch]
        best = min(group, key=lambda row: row["network_seconds_per_shower"]["median"])
        lines.append(f"  fastest network at batch {batch}: {best['backend']}")
    return "\n".join(lines)


def _run_name(name: str) -> str:
    from calosim_tf.experiments import EXPERIMENTS

    return f"pretrained:{name}" if name in EXPERIMENTS else name


def _seconds(value: dict[str, float], scale: float, unit: str) -> str:
    return f"{value['median'] * scale:8.3f} {unit} ({value['min'] * scale:.3f} - {value['max'] * scale:.3f})"


def positive_integer(option: str, text: str) -> int:
    """A number from an option that may hold several; :class:`ConfigError` unless it is at least 1."""
    if not text.strip().isdigit() or int(text) < 1:
        raise ConfigError(f"{option}: found {text!r}, expected whole numbers >= 1 separated by commas")
    return int(text)


def require_positive(option: str, value: int) -> None:
    """:class:`ConfigError` unless ``value`` is at least 1."""
    if value < 1:
        raise ConfigError(f"{option}: found {value}, expected a number >= 1")
