"""``calosim bench generate --table F``: what every generator costs, in one table and one figure."""

from __future__ import annotations

import argparse
import gc
import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from calosim_tf.commands.bench_networks import TimedNetwork, engine_of, networks_of, timed_call
from calosim_tf.commands.bench_numbers import positive_integer, require_positive
from calosim_tf.errors import ConfigError
from calosim_tf.inference.backends import BACKENDS, WITH_TENSORFLOW
from calosim_tf.messages import note

if TYPE_CHECKING:
    from calosim_tf.config import Experiment
    from calosim_tf.inference.engine import Engine

DEFAULT_BATCHES, DEFAULT_READINGS = "1,10000", 3
# XLA compiles each network for each batch, and is the fastest for none of them on a CPU (docs/inference.md)
DEFAULT_BACKENDS = "tf,onnx,tflite"
# Multiply-adds of a timed call (our choice: about a tenth of a second), and the fewest showers of a large one
CALL_WORK, FEWEST = 4e9, 16
# training.selection -> what checkpoints are judged by
JUDGED_BY = {
    "chi2": "chi2/NDF of the response",
    "physics": "response, separation powers, recall, density",
    "likelihood": "-ln p per voxel",
}
RESPONSE = "chi2_ndf_total_energy"


def run_table(args: argparse.Namespace) -> int:
    """Time networks one after another, all back ends of each in turn; write the table, the JSON and the figure."""
    backends = list(dict.fromkeys((args.backend or DEFAULT_BACKENDS).split(",")))
    for backend in backends:
        if backend not in BACKENDS:
            raise ConfigError(f"--backend: found {backend!r}, expected some of {','.join(BACKENDS)}")
    batches = [positive_integer("--batch", item) for item in (args.batch or DEFAULT_BATCHES).split(",")]
    readings = DEFAULT_READINGS if args.steps is None else args.steps
    require_positive("--steps", readings)
    names = list(dict.fromkeys(args.names)) or all_generators()
    for name in names:
        _require_known(name)
    from calosim_tf.benchmark.machine import description
    from calosim_tf.training.strategies.devices import set_threads, threads_in_use

    set_threads(args.threads or len(os.sched_getaffinity(0)))
    threads = threads_in_use()
    rows = []
    for number, name in enumerate(names, start=1):
        note(f"{name} ({number} of {len(names)})")
        rows.append(_row(name, backends, batches, readings, threads))
    result = {"machine": description(threads), "readings": readings, "batches": batches, "rows": rows}
    Path(args.table).write_text(markdown(result))
    if args.out:
        Path(args.out).write_text(json.dumps(result, indent=2) + "\n")
    if args.plot:
        from calosim_tf.benchmark.cost_chart import save_cost_chart

        save_cost_chart(result, Path(args.plot))
    print(json.dumps(result, indent=2) if args.json else args.table)
    return 0


def all_generators() -> list[str]:
    """A row for each: those of the papers, and the trained ones of the package in place of their experiments."""
    from calosim_tf.data.bundled import PRETRAINED_PREFIX, pretrained_names, run_path
    from calosim_tf.experiments import EXPERIMENTS
    from calosim_tf.experiments.generators import GENERATORS, VARIANTS
    from calosim_tf.training.run_folder import RunFolder

    trained = [f"{PRETRAINED_PREFIX}{name}" for name in pretrained_names()]
    held = [RunFolder(run_path(name)).experiment().network for name in trained]
    ours = [name for name in GENERATORS if name not in VARIANTS and name.endswith("_factorised")]
    published = [name for name in GENERATORS if name not in VARIANTS and name not in ours]
    return [*published, *(name for name in ours if EXPERIMENTS[name].network not in held), *trained]


def _require_known(name: str) -> None:
    from calosim_tf.data.bundled import PRETRAINED_PREFIX, run_path
    from calosim_tf.experiments import EXPERIMENTS, get_experiment

    if name in EXPERIMENTS:
        return
    if name.startswith(PRETRAINED_PREFIX) or Path(name).is_dir():
        run_path(name)
        return
    get_experiment(name)


def _row(name: str, backends: list[str], batches: list[int], readings: int, threads: int) -> dict[str, Any]:
    """Counts and seconds of a generator; of a split parameters in all, and the mean over its networks else."""
    import keras

    from calosim_tf.benchmark.roofline import NetworkCost
    from calosim_tf.export.fold import folded

    keras.backend.clear_session()
    gc.collect()
    found = networks_of(name)
    costs = [one.cost() for one in found]
    cost = NetworkCost.mean(costs)
    # as they are exported
    lean = [TimedNetwork(one.experiment, folded(one.network), one.weights) for one in found]
    timed, engines = {}, _Engines()
    for batch in batches:
        showers = batch if batch < FEWEST else min(batch, max(FEWEST, int(CALL_WORK / max(cost.multiply_adds, 1.0))))
        timed[str(batch)] = {"showers": showers, **_fastest(lean, engines, backends, showers, readings, threads)}
    return {
        "generator": name,
        "detector": found[0].experiment.data.layout,
        "networks": len(found),
        "parameters": int(sum(one.parameters for one in costs)),
        "multiply_adds": cost.multiply_adds,
        "judged_by": judged_words(found[0].experiment),
        "response": _response(name),
        "batches": timed,
    }


class _Engines:
    """Engines of a generator; those that take calls of any size are made once."""

    def __init__(self) -> None:
        self._kept: dict[tuple[int, str], Engine] = {}

    def call(self, number: int, one: TimedNetwork, backend: str, batch: int, threads: int) -> Callable[[], object]:
        """As :func:`timed_call`, of the network of this number."""
        if backend in WITH_TENSORFLOW:
            return timed_call(one, backend, batch, threads)
        engine = self._kept.get((number, backend)) or engine_of(one, backend, batch)
        if not engine.largest_call:
            self._kept[number, backend] = engine
        return timed_call(one, backend, batch, threads, engine)


def _fastest(
    found: Sequence[TimedNetwork], engines: _Engines, backends: list[str], batch: int, readings: int, threads: int
) -> dict[str, Any]:
    """Seconds per shower of all back ends in turn, mean over the networks, and which is the fastest."""
    from calosim_tf.benchmark.clocks import SETTLE_S, in_turn, repeated, spread

    exported = not getattr(found[0].experiment.network, "why_not_exported", "")
    usable = [one for one in backends if exported or one in WITH_TENSORFLOW] or list(WITH_TENSORFLOW[:1])
    seconds: dict[str, list[float]] = {}
    for number, one in enumerate(found):
        ways = {name: repeated(engines.call(number, one, name, batch, threads), warm_up=1) for name in usable}
        for name, values in in_turn(ways, readings, SETTLE_S).items():
            before = seconds.get(name, [0.0] * readings)
            seconds[name] = [a + value / batch / len(found) for a, value in zip(before, values, strict=True)]
    spreads = {name: spread(values) for name, values in seconds.items()}
    best = min(spreads, key=lambda name: spreads[name]["median"])
    return {"best": best, "seconds_per_shower": spreads}


def judged_words(experiment: Experiment) -> str:
    """What checkpoints are judged by, and on which held-out showers without ``--data``."""
    from calosim_tf.config import TaughtTraining
    from calosim_tf.geometry import get_detector

    taught = isinstance(experiment.training, TaughtTraining)
    what = "divergence from the teacher" if taught else JUDGED_BY[experiment.training.selection]
    detector = get_detector(experiment.data.layout)
    return f"{what}; {'Monte Carlo sample' if detector.sample else 'parametrised showers'}"


def _response(name: str) -> dict[str, float] | None:
    """chi2/NDF of a trained generator in its own report, and of Monte Carlo against itself."""
    from calosim_tf.data.bundled import run_path
    from calosim_tf.experiments import EXPERIMENTS
    from calosim_tf.files import read_json
    from calosim_tf.training.run_folder import RunFolder

    path = None if name in EXPERIMENTS else RunFolder(run_path(name)).report / "metrics.json"
    if path is None or not path.is_file():
        return None
    entry = read_json(path, "the metrics of a report")["metrics"].get(RESPONSE, {})
    return {key: entry[key] for key in ("value", "reference_vs_reference")} if entry.get("value") is not None else None


def markdown(result: dict[str, Any]) -> str:
    """A table for each kind of detector, below a line about the machine; what generators are judged by at the end."""
    machine, batches, rows = result["machine"], result["batches"], result["rows"]
    heads = [*(f"µs, batch {batch:,}" for batch in batches), "parameters", "multiply-adds"]
    lines = [
        f"{machine['cores']} cores, {machine['threads']} threads, load {machine['load_average']:.1f}; median of "
        f"{result['readings']} readings in the fastest back end. In brackets: showers of the timed call, where a "
        "whole batch would take too long."
    ]
    kinds: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        kinds.setdefault(row["detector"].split("_")[0], []).append(row)
    for start, of_kind in kinds.items():
        detectors = {row["detector"] for row in of_kind}
        kind = detectors.pop() if len(detectors) == 1 else start
        lines += ["", f"| {' | '.join([kind, *heads])} |", f"|{'---|' * (1 + len(heads))}"]
        lines += [_line(row, kind, batches) for row in of_kind]
    lines += ["", "Judged by:", ""]
    for words in dict.fromkeys(row["judged_by"] for row in rows):
        lines.append(f"* {words}: {', '.join(_quoted(row) for row in rows if row['judged_by'] == words)}")
    trained = [row for row in rows if row["response"]]
    if trained:
        lines += ["", "| trained | chi2/NDF of the response | Monte Carlo against itself |", "|---|---|---|"]
        for row in trained:
            value, own = row["response"]["value"], row["response"]["reference_vs_reference"]
            lines.append(f"| {_quoted(row)} | {value:.2f} | {own:.2f} |")
    return "\n".join(lines) + "\n"


def _quoted(row: dict[str, Any]) -> str:
    return f"`{row['generator']}`"


def _line(row: dict[str, Any], kind: str, batches: Sequence[int]) -> str:
    """A generator in the table of its kind of detector."""
    detector = f", `{row['detector']}`" if row["detector"] != kind else ""
    split = f" ({row['networks']} networks)" if row["networks"] > 1 else ""
    cells = [
        f"{_quoted(row)}{split}{detector}",
        *(_cell(row["batches"][str(batch)], batch) for batch in batches),
        f"{row['parameters']:,}".replace(",", " "),
        f"{row['multiply_adds']:.3g}",
    ]
    return f"| {' | '.join(cells)} |"


def _cell(timed: dict[str, Any], batch: int) -> str:
    value = 1e6 * timed["seconds_per_shower"][timed["best"]]["median"]
    number = f"{value:.0f}" if value >= 100 else f"{value:.3g}"
    part = "" if timed["showers"] == batch else f" ({timed['showers']})"
    return f"{number} {timed['best']}{part}"
