"""`calosim bench scaling --predict W,W` and `--fleet N --slots W,W`: what a model says of more workers than here."""

from __future__ import annotations

import argparse
import json
from typing import Any

from calosim_tf.commands.bench_numbers import positive_integer, require_number, require_positive
from calosim_tf.config.settings_file import setting_values
from calosim_tf.errors import ConfigError

# 1 Gbit/s and 1 ms: an office network, which docs/hpc.md compares with measurements
BANDWIDTH, LATENCY_S = 1e9, 1e-3
# The least that is taken: bit/s and s, against a division by zero
LEAST_BANDWIDTH, LEAST_SECONDS = 1.0, 1e-9


def add_prediction(parser: argparse.ArgumentParser) -> None:
    """Describe the options."""
    group = parser.add_argument_group("a model in place of a measurement (docs/hpc.md)")
    group.add_argument("--predict", metavar="W,W", help="numbers of workers to predict, separated by commas")
    group.add_argument("--fleet", type=int, metavar="N", help="members of a fleet to predict, one worker each")
    group.add_argument("--slots", metavar="W,W", help="with --fleet: members that are trained at a time")
    group.add_argument(
        "--seconds-per-iteration",
        type=float,
        metavar="S",
        help="of one worker with the whole batch (default: measured here, on one core)",
    )
    group.add_argument(
        "--bandwidth", type=float, default=BANDWIDTH, metavar="B", help="bit/s of each worker (default 1e9)"
    )
    group.add_argument("--latency", type=float, default=LATENCY_S, metavar="S", help="s, one way (default 1e-3)")
    group.add_argument("--start-up", type=float, default=0.0, metavar="S", help="s of a job before its first iteration")


def is_prediction(args: argparse.Namespace) -> bool:
    """Whether a model is asked for."""
    return any(value is not None for value in (args.predict, args.fleet, args.slots))


def run_prediction(args: argparse.Namespace) -> int:
    """Predict wall time and worker hours of a training on many workers, and of a fleet."""
    workers = [positive_integer("--predict", item) for item in args.predict.split(",")] if args.predict else []
    slots = [positive_integer("--slots", item) for item in args.slots.split(",")] if args.slots else []
    if (args.fleet is None) != (not slots):
        raise ConfigError("--fleet: found it or --slots alone, expected both")
    if args.fleet is not None:
        require_positive("--fleet", args.fleet)
    require_number("--bandwidth", args.bandwidth, LEAST_BANDWIDTH)
    require_number("--latency", args.latency)
    require_number("--start-up", args.start_up)
    if args.seconds_per_iteration is not None:
        require_number("--seconds-per-iteration", args.seconds_per_iteration, LEAST_SECONDS)
    result = _predicted(args, workers, slots)
    print(json.dumps(result, indent=2) if args.json else _text(result))
    return 0


def _predicted(args: argparse.Namespace, workers: list[int], slots: list[int]) -> dict[str, Any]:
    from calosim_tf.benchmark.scaling_model import Network, Training
    from calosim_tf.experiments import get_experiment

    settings = setting_values(args.set)
    experiment = get_experiment(args.experiment).with_values(settings)
    if experiment.members:
        raise ConfigError(f"bench scaling: found the split {experiment.name!r}, expected an experiment of one network")
    exchanges: list[int] = []
    if workers:
        from calosim_tf.benchmark.exchanges import exchanged_bytes
        from calosim_tf.data_prep.default_data import source_of

        exchanges = exchanged_bytes(experiment, source_of(experiment.data))
    seconds = args.seconds_per_iteration
    if seconds is None:
        from calosim_tf.benchmark.scaling import bench_scaling

        batch = experiment.training.batch_size
        row = bench_scaling(experiment.name, settings, batch, [1], "none", args.rounds, args.steps)[0]
        seconds = row["seconds_per_iteration"]["median"]
    training = Training(seconds, exchanges, experiment.training.iterations, args.start_up)
    network = Network(args.bandwidth, args.latency)
    return {
        "experiment": experiment.name,
        "seconds_per_iteration": seconds,
        "measured": args.seconds_per_iteration is None,
        "iterations": training.iterations,
        "start_up": args.start_up,
        "network": {"bandwidth": args.bandwidth, "latency": args.latency},
        "exchanged_bytes": exchanges,
        "rows": [row for number in workers for row in training.predict(network, number)],
        "fleet": [training.fleet(args.fleet, number) for number in slots],
    }


def _text(result: dict[str, Any]) -> str:
    network, sizes = result["network"], result["exchanged_bytes"]
    source = "measured here on one core" if result["measured"] else "given"
    lines = [
        f"{result['experiment']}, a model: {result['iterations']} iterations of "
        f"{result['seconds_per_iteration']:.4g} s ({source}), start-up {result['start_up']:g} s"
    ]
    if sizes:
        lines.append(
            f"an iteration sums {sum(sizes) / 1e6:.2f} MB in {len(sizes)} messages; {network['bandwidth']:.3g} bit/s, "
            f"{network['latency']:.3g} s one way"
        )
    for row in result["rows"]:
        lines.append(
            f"  fixed {row['fixed']:10} batch, {row['workers']:>4} workers: {row['seconds_per_iteration']:9.4g} s per "
            f"iteration, {row['exchange_seconds']:.3g} of them exchange   efficiency {row['efficiency']:.3f}   "
            f"{row['hours']:.4g} h, {row['worker_hours']:.4g} worker hours"
        )
    for row in result["fleet"]:
        lines.append(
            f"  fleet of {row['members']} on {row['slots']} slots: {row['hours']:.4g} h in {row['waves']} waves, "
            f"{row['slot_hours']:.5g} slot hours"
        )
    return "\n".join(lines)
