"""``calosim bench generate --protocol rehm``: inference as the 3DGAN paper times it (arXiv 2105.08960, table 1)."""

from __future__ import annotations

import argparse
import json
import statistics
from dataclasses import replace
from pathlib import Path
from typing import Any

from calosim_tf.commands.bench_networks import FRESH, networks_of, timed_call
from calosim_tf.commands.bench_numbers import positive_integer, require_positive
from calosim_tf.errors import ConfigError
from calosim_tf.inference.backends import BACKENDS, WITH_TENSORFLOW

MATRIX_READINGS = 3
# Baseline of the paper
BASELINE = "conv3d"
# Table 1 gives seconds per step of 20 batches of 128
PUBLISHED_SHOWERS = 2560
PUBLISHED_SECONDS = "seconds per 2560 showers"


def run_protocol(args: argparse.Namespace) -> int:
    """Time the networks in turn and print them beside the paper's ratios."""
    backends = list(dict.fromkeys((args.backend or "tf").split(",")))
    for backend in backends:
        if backend not in BACKENDS:
            raise ConfigError(f"--backend: found {backend!r}, expected some of {','.join(BACKENDS)}")
    _check_names(args.names)
    if args.steps is not None:
        require_positive("--steps", args.steps)
    batch = None if args.batch is None else positive_integer("--batch", args.batch)

    from calosim_tf.benchmark.clocks import spread
    from calosim_tf.benchmark.machine import description
    from calosim_tf.benchmark.protocol import InferenceProtocol, bench_protocol
    from calosim_tf.training.strategies.devices import set_threads, threads_in_use

    set_threads(args.threads)
    full = InferenceProtocol()
    protocol = replace(full, batch=batch or full.batch, steps=args.steps or full.steps)
    subjects = {name: _subject(name) for name in dict.fromkeys(args.names)}
    calls = {
        (name, backend): timed_call(subject["timed"], backend, protocol.batch, threads_in_use())
        for name, subject in subjects.items()
        for backend in backends
    }
    rates = matrix_rates(threads_in_use())
    readings = bench_protocol(calls, protocol)
    rates += matrix_rates(threads_in_use())
    result = {
        "protocol": "rehm",
        "batch": protocol.batch,
        "steps": protocol.steps,
        "batches_per_step": protocol.batches_per_step,
        "warm_up_batches": protocol.warm_up_batches,
        "shortened": protocol != full,
        "threads": threads_in_use(),
        "machine": description(threads_in_use()),
        "matrix_gflop_per_s": spread([rate / 1e9 for rate in rates]),
        "rows": [_row(key, subjects, readings, backends, statistics.median(rates)) for key in calls],
    }
    print(json.dumps(result, indent=2) if args.json else _format(result))
    return 0


def matrix_rates(threads: int) -> list[float]:
    """Rates of the fastest library's matrix product, operations per second."""
    from calosim_tf.benchmark.clocks import SETTLE_S, in_turn
    from calosim_tf.benchmark.machine import matrix_flops, matrix_products

    found = in_turn(matrix_products(threads), MATRIX_READINGS, SETTLE_S)
    return [matrix_flops() / seconds for seconds in min(found.values(), key=statistics.median)]


def _check_names(names: list[str]) -> None:
    """Refuse splits and unknown names before anything slow."""
    from calosim_tf.experiments import EXPERIMENTS, get_experiment

    for name in names:
        if name in EXPERIMENTS and EXPERIMENTS[name].members:
            raise ConfigError(
                f"bench generate --protocol: found the split {name!r}, expected one network: leave it out"
            )
        if not (name in EXPERIMENTS or name.startswith("pretrained:") or Path(name).is_dir()):
            get_experiment(name)


def _subject(name: str) -> dict[str, Any]:
    """Network of an experiment, run or bundle, and its record."""
    from calosim_tf.commands.info import describe_network

    found = networks_of(name)
    if len(found) > 1:
        raise ConfigError(f"{name}: found a split, expected one network: name a member's folder")
    (timed,) = found
    published = [row.value for row in timed.experiment.published if row.what == PUBLISHED_SECONDS]
    described = describe_network(timed.network)
    record = {
        "generator": name,
        "weights": timed.weights,
        **{key: described[key] for key in ("params_total", "conv_layers")},
        "multiply_adds": timed.cost().multiply_adds,
        "published_seconds_per_2560": published[0] if published else None,
    }
    return {"timed": timed, "record": record}


def _row(
    key: tuple[str, str],
    subjects: dict[str, dict],
    readings: dict[tuple[str, str], list[float]],
    backends: list[str],
    flops_per_s: float,
) -> dict[str, Any]:
    from calosim_tf.benchmark.clocks import ratio_spread, spread

    name, backend = key
    record = subjects[name]["record"]
    seconds = [PUBLISHED_SHOWERS * value for value in readings[key]]
    least = PUBLISHED_SHOWERS * 2.0 * record["multiply_adds"] / flops_per_s
    row = {**record, "backend": backend, "seconds_per_2560": spread(seconds)}
    row["matrix_share"] = spread([least / value for value in seconds])
    if BASELINE in subjects:
        row["speed_up"] = ratio_spread(readings[BASELINE, backend], readings[key])
        baseline = subjects[BASELINE]["record"]["published_seconds_per_2560"]
        if record["published_seconds_per_2560"]:
            row["published_speed_up"] = baseline / record["published_seconds_per_2560"]
    ours = next((other for other in backends if other in WITH_TENSORFLOW), None)
    if backend == "onnx" and ours:
        row["onnx_over"] = {ours: ratio_spread(readings[key], readings[name, ours])}
    return row


def _format(result: dict[str, Any]) -> str:
    how = (
        f"{result['steps']} steps of {result['batches_per_step']} batches of {result['batch']} after "
        f"{result['warm_up_batches']} warm-up batches, {result['threads']} threads"
    )
    if result["shortened"]:
        how += "; shortened, the protocol has 100 steps of batches of 128"
    rate, machine = result["matrix_gflop_per_s"], result["machine"]
    lines = [
        how,
        f"{machine['cpu']}, {machine['cores']} cores; float32 matrix products before and after: {rate['median']:.0f} "
        f"GFLOP/s ({rate['min']:.0f} - {rate['max']:.0f})",
        "seconds per 2560 showers: median (min - max); share of the matrix-product rate; speed-up: conv3d over it",
    ]
    for row in result["rows"]:
        value = row["seconds_per_2560"]
        line = (
            f"  {row['generator']:12} {row['backend']:5} {row['params_total']:>10,} parameters "
            f"{row['conv_layers']:>4} convolutions {value['median']:9.3f} s ({value['min']:.3f} - {value['max']:.3f}) "
            f"{100 * row['matrix_share']['median']:5.1f} %"
        )
        if "speed_up" in row:
            line += f"   speed-up {row['speed_up']['median']:.2f}x"
        if "published_speed_up" in row:
            line += f" (published {row['published_speed_up']:.2f}x)"
        for ours, ratio in row.get("onnx_over", {}).items():
            line += f"   ONNX Runtime over {ours} {ratio['median']:.2f}x"
        lines.append(line)
    lines.append("published: table 1, Tesla T4 GPU, computed from its seconds")
    if any(row["weights"] == FRESH for row in result["rows"]):
        lines.append("experiments have freshly initialised weights: the time does not depend on them")
    if not any("speed_up" in row for row in result["rows"]):
        lines.append(f"no speed-up: name {BASELINE} too")
    return "\n".join(lines)
