"""One worker of ``calosim bench scaling``, started by :mod:`calosim_tf.benchmark.worker_group`.

``python -m calosim_tf.benchmark.scaling_worker PORT ENGINE EXPERIMENT SETTINGS STEPS``
"""

from __future__ import annotations

import json
import os
import socket
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

# Where launchers give the rank of a process on its machine
LOCAL_RANK = ("HOROVOD_LOCAL_RANK", "OMPI_COMM_WORLD_LOCAL_RANK")


def own_cores(number: int) -> list[int]:
    """Positions among the cores of this machine that this process uses until it is given others."""
    alone = json.loads(os.environ.get("TF_CONFIG", '{"task": {"index": 0}}'))["task"]["index"]
    rank = next((int(os.environ[name]) for name in LOCAL_RANK if name in os.environ), alone)
    return [rank * number + index for index in range(number)]


def pin(cores: Sequence[int]) -> None:
    """Restrict this process and all its present and future threads to these cores."""
    for thread in Path("/proc/self/task").iterdir():
        os.sched_setaffinity(int(thread.name), cores)


def ways_of(
    engine: str, name: str, settings: Mapping[str, str], steps: int, threads: int
) -> tuple[int, dict[str, Callable[[], float]]]:
    """Rank of this process, and the ways to run the step, warm."""
    from calosim_tf.benchmark.replicas import shared_step_ways
    from calosim_tf.data_prep.default_data import source_of
    from calosim_tf.experiments import get_experiment
    from calosim_tf.training.strategies.connect import connect
    from calosim_tf.training.strategies.devices import set_threads, split_cpu

    set_threads(threads)
    split_cpu()
    strategy = connect(engine)
    experiment = get_experiment(name).with_values(settings)
    return strategy.process, shared_step_ways(experiment, source_of(experiment.data), strategy, steps)


def main(port: int, engine: str, name: str, settings: Mapping[str, str], steps: int) -> None:
    """Take readings until no more are requested."""
    usable = sorted(os.sched_getaffinity(0))
    # devices of one process have a thread and a core each
    threads = int(os.environ.get("CALOSIM_VIRTUAL_DEVICES", 1))
    pin([usable[core] for core in own_cores(threads)])
    rank, ways = ways_of(engine, name, settings, steps, threads)
    with socket.create_connection(("localhost", port)) as connection, connection.makefile("rw") as lines:

        def say(**content) -> None:
            lines.write(json.dumps(content) + "\n")
            lines.flush()

        say(rank=rank, process=os.getpid())
        for line in lines:
            request = json.loads(line)
            pin([usable[core] for core in request["cores"]])
            say(seconds=ways[request["way"]]())


if __name__ == "__main__":
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    main(int(sys.argv[1]), *sys.argv[2:4], json.loads(sys.argv[4]), int(sys.argv[5]))
