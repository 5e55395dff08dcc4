"""How the training step scales with workers: one core each, in processes of their own, configurations in turn.

``python -m calosim_tf.benchmark.scaling`` is one worker; :func:`bench_scaling` starts them.
"""

from __future__ import annotations

import json
import os
import socket
import statistics
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from calosim_tf.progress import progress

WORKER_TIMEOUT_S = 1800
MEASURED = ("seconds_per_iteration", "input_share", "reduction_share")


def bench_scaling(
    name: str, settings: Mapping[str, str], batch: int, workers: Sequence[int], engine: str, rounds: int, steps: int
) -> list[dict[str, Any]]:
    """Seconds per iteration for each number of workers, at a fixed batch per worker and at a fixed global batch.

    Parameters
    ----------
    name : str
        Experiment, not a split, on its default data.
    settings : mapping
        Dotted keys that are changed.
    batch : int
        The global batch that is kept, and the batch per worker that is.
    workers : sequence of int
        The first is what efficiencies refer to.
    engine : {'multiworker', 'horovod'}
    rounds : int
        Times that all configurations are started, one after another.
    steps : int
        Iterations per reading.

    Returns
    -------
    list of dict
        Per configuration: ``fixed`` (``per_worker`` or ``global``), ``workers``, ``global_batch``, medians over the
        rounds of ``seconds_per_iteration``, ``input_share`` and ``reduction_share`` with their smallest and largest
        values, and ``efficiency``: showers per second and worker over those of the first number of workers.

    Raises
    ------
    RuntimeError
        A worker failed; the message ends with what it said.
    """
    batches = {
        **{("per_worker", number): batch * number for number in workers},
        **{("global", number): batch for number in workers},
    }
    # one worker is the same in both
    readings: dict[tuple[int, int], list[dict[str, Any]]] = {
        (number, rows): [] for (_, number), rows in batches.items()
    }
    turns = [configuration for _ in range(rounds) for configuration in readings]
    for number, rows in progress(turns, len(turns), "workers"):
        changed = {**settings, "training.batch_size": str(rows)}
        readings[number, rows].append(_run_workers([name, json.dumps(changed), str(steps)], number, engine))
    table = []
    for (fixed, number), global_batch in batches.items():
        found = readings[number, global_batch]
        reference = readings[workers[0], batches[fixed, workers[0]]]
        table.append(
            {
                "fixed": fixed,
                "workers": number,
                "global_batch": global_batch,
                **{key: _spread([item[key] for item in found]) for key in MEASURED},
                "efficiency": _spread([_rate(a) / _rate(b) for a, b in zip(found, reference, strict=True)]),
            }
        )
    return table


def _rate(reading: dict[str, Any]) -> float:
    """Batches' worth of showers per second and worker."""
    return reading["global_batch"] / (reading["seconds_per_iteration"] * reading["workers"])


def _spread(values: list[float]) -> dict[str, float]:
    return {"median": statistics.median(values), "min": min(values), "max": max(values)}


def _run_workers(arguments: list[str], number: int, engine: str) -> dict[str, Any]:
    engine = "none" if number == 1 else engine
    command = [sys.executable, "-m", "calosim_tf.benchmark.scaling", engine, *arguments]
    if engine == "horovod":
        launcher = str(Path(sys.executable).with_name("horovodrun"))
        return _chief_output([_start([launcher, "--gloo", "-np", str(number), "-H", f"localhost:{number}", *command])])
    ports = _free_ports(number)
    cluster = {"worker": [f"localhost:{port}" for port in ports]}
    configs = [{"cluster": cluster, "task": {"type": "worker", "index": index}} for index in range(number)]
    return _chief_output([_start(command, TF_CONFIG=json.dumps(config)) for config in configs])


def _start(command: list[str], **environment: str) -> subprocess.Popen:
    return subprocess.Popen(
        command, env={**os.environ, **environment}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def _chief_output(processes: list[subprocess.Popen]) -> dict[str, Any]:
    """What the chief measured; it prints one line of JSON, which horovodrun puts its rank before."""
    try:
        texts = [process.communicate(timeout=WORKER_TIMEOUT_S) for process in processes]
    finally:
        for process in processes:
            process.kill()
    for process, (_, errors) in zip(processes, texts, strict=True):
        if process.returncode != 0:
            raise RuntimeError(f"a worker ended with {process.returncode}: {errors.strip()[-2000:]}")
    (line,) = [line for output, _ in texts for line in output.splitlines() if "seconds_per_iteration" in line]
    return json.loads(line[line.index("{") :])


def _free_ports(number: int) -> list[int]:
    sockets = [socket.socket() for _ in range(number)]
    for item in sockets:
        item.bind(("localhost", 0))
    ports = [item.getsockname()[1] for item in sockets]
    for item in sockets:
        item.close()
    return ports


def _pin_to_core() -> None:
    """Leave this process and all threads it will have the core of its rank on this machine."""
    rank = int(os.environ.get("HOROVOD_LOCAL_RANK", -1))
    if rank < 0:
        rank = json.loads(os.environ["TF_CONFIG"])["task"]["index"]
    os.sched_setaffinity(0, {sorted(os.sched_getaffinity(0))[rank]})


def worker(engine: str, name: str, settings: Mapping[str, str], steps: int) -> dict[str, Any] | None:
    """Seconds of the step with real input, with constant input, and with nothing to tell the others, in this process.

    Returns
    -------
    dict
        On the chief; None in other processes.
    """
    _pin_to_core()
    from calosim_tf.benchmark.replicas import time_shared_step
    from calosim_tf.data_prep.default_data import source_of
    from calosim_tf.experiments import get_experiment
    from calosim_tf.training.devices import set_threads
    from calosim_tf.training.strategy import connect

    set_threads(1)
    strategy = connect(engine)
    experiment = get_experiment(name).with_values(settings)
    seconds = time_shared_step(experiment, source_of(experiment.data), strategy, steps)
    if not strategy.is_chief:
        return None
    return {
        "workers": strategy.replicas.number,
        "global_batch": experiment.training.batch_size,
        "seconds_per_iteration": seconds["real_input"],
        "input_share": 1.0 - seconds["constant_input"] / seconds["real_input"],
        "reduction_share": 1.0 - seconds["no_exchange"] / seconds["constant_input"],
    }


if __name__ == "__main__":
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    measured = worker(*sys.argv[1:3], json.loads(sys.argv[3]), int(sys.argv[4]))
    if measured:
        print(json.dumps(measured), flush=True)
