"""A group of worker processes that share a training step and take readings when asked (no TensorFlow).

``calosim_tf.benchmark.scaling_worker`` is what each of them runs.  They exchange lines of JSON over a local socket,
because a launcher like horovodrun keeps standard input to itself.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import select
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, TextIO

from calosim_tf.errors import BenchmarkError, ConfigError

# Seconds after which a worker that has not answered counts as hung
ANSWER_S = 1800.0
# Seconds between two checks that all processes are alive
LOOK_S = 0.5
# ... and that they have to end by themselves
END_S = 20.0


class _Worker(NamedTuple):
    connection: socket.socket
    lines: TextIO
    process: int


class WorkerGroup:
    """Workers of one engine, started and warm; they end with the context.

    Parameters
    ----------
    engine : {'none', 'mirrored', 'multiworker', 'horovod'}
    number : int
        Workers; of ``mirrored``, devices of the one process.
    arguments : sequence of str
        Of ``calosim_tf.benchmark.scaling_worker``, behind port and engine.

    Raises
    ------
    BenchmarkError
        A worker ended or did not answer; the message ends with its last output.
    """

    def __init__(self, engine: str, number: int, arguments: Sequence[str]):
        self.cores = number
        # Horovod polls for work all the time, even in an idle worker
        self._restless = engine == "horovod"
        self._messages = tempfile.TemporaryFile("w+")  # noqa: SIM115  (open as long as the workers, see close)
        self._processes: list[subprocess.Popen] = []
        self._workers: dict[int, _Worker] = {}
        ranks = 1 if engine == "mirrored" else number
        with socket.create_server(("localhost", 0)) as server:
            port = server.getsockname()[1]
            command = [sys.executable, "-m", "calosim_tf.benchmark.scaling_worker", str(port), engine, *arguments]
            try:
                self._start(engine, number, command)
                self._accept(server, ranks)
            except BaseException:
                self.close()
                raise

    def __enter__(self) -> WorkerGroup:
        return self

    def __exit__(self, *exception) -> None:
        self.close()

    def close(self) -> None:
        """End all processes: a worker that can no longer be reached ends, and its launcher with it."""
        self._signal_workers(signal.SIGCONT)
        for worker in self._workers.values():
            worker.lines.close()
            worker.connection.close()
        for process in self._processes:
            if not self._workers:
                process.terminate()
            try:
                process.wait(timeout=END_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._messages.close()

    def seconds(self, way: str, first_core: int = 0) -> float:
        """Seconds per iteration, the mean over the workers, each on a core of its own from ``first_core`` on."""
        each = self.cores // len(self._workers)
        self._signal_workers(signal.SIGCONT)
        for rank, worker in self._workers.items():
            begin = first_core + rank * each
            request = {"way": way, "cores": list(range(begin, begin + each))}
            worker.connection.sendall(json.dumps(request).encode() + b"\n")
        answers = self._collect()
        self._signal_workers(signal.SIGSTOP)
        return statistics.mean(answers)

    def _start(self, engine: str, number: int, command: list[str]) -> None:
        environments: list[dict[str, str]] = [{}]
        if engine == "horovod":
            controller = f"--{transport_of(engine).lower()}"
            command = [str(_horovodrun()), controller, "-np", str(number), "-H", f"localhost:{number}", *command]
        elif engine == "mirrored":
            environments = [{"CALOSIM_VIRTUAL_DEVICES": str(number)}]
        elif engine == "multiworker":
            environments = cluster_environments(number)
        for environment in environments:
            self._processes.append(
                subprocess.Popen(
                    command, env={**os.environ, **environment}, stdout=self._messages, stderr=subprocess.STDOUT
                )
            )

    def _accept(self, server: socket.socket, ranks: int) -> None:
        """Wait until every worker is warm: it then connects and reports its rank."""
        end = time.monotonic() + ANSWER_S
        while len(self._workers) < ranks:
            self._require_alive(end)
            if select.select([server], [], [], LOOK_S)[0]:
                connection, _ = server.accept()
                lines = connection.makefile()
                who = json.loads(lines.readline())
                self._workers[who["rank"]] = _Worker(connection, lines, who["process"])
        self._signal_workers(signal.SIGSTOP)

    def _collect(self) -> list[float]:
        """One answer of each worker."""
        found, end = [], time.monotonic() + ANSWER_S
        for worker in self._workers.values():
            while not select.select([worker.connection], [], [], LOOK_S)[0]:
                self._require_alive(end)
            line = worker.lines.readline()
            if not line:
                self._fail("a worker ended")
            found.append(json.loads(line)["seconds"])
        return found

    def _signal_workers(self, number: signal.Signals) -> None:
        """Pause workers that would take time from those being timed, or let them continue."""
        if self._restless:
            for worker in self._workers.values():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(worker.process, number)

    def _require_alive(self, end: float) -> None:
        for process in self._processes:
            if process.poll() is not None:
                self._fail(f"a worker ended with {process.returncode}")
        if time.monotonic() > end:
            self._fail(f"a worker has not answered for {ANSWER_S:.0f} s")

    def _fail(self, what: str) -> None:
        self._messages.seek(0)
        lines = [line.strip() for line in self._messages.read().splitlines() if line.strip()]
        raise BenchmarkError(f"bench scaling: {what}: {lines[-1] if lines else 'it said nothing'}")


@functools.cache
def transport_of(engine: str) -> str:
    """Transport of the sums between the workers of an engine; for Horovod MPI where it is built in, Gloo otherwise.

    Raises
    ------
    ConfigError
        Horovod is not installed.
    """
    if engine != "horovod":
        return {"mirrored": "memory", "multiworker": "gRPC"}[engine]
    launcher = _horovodrun()
    if not launcher.is_file():
        raise ConfigError(f"--engine horovod: found no {launcher}, expected one: run `make install-horovod`")
    built = subprocess.run([launcher, "--check-build"], capture_output=True, text=True, check=False).stdout
    return "MPI" if "[X] MPI" in built else "Gloo"


def _horovodrun() -> Path:
    return Path(sys.executable).with_name("horovodrun")


def cluster_environments(number: int) -> list[dict[str, str]]:
    """Environment of each worker of a tf.distribute cluster on free ports of this machine."""
    sockets = [socket.socket() for _ in range(number)]
    for item in sockets:
        item.bind(("localhost", 0))
    cluster = {"worker": [f"localhost:{item.getsockname()[1]}" for item in sockets]}
    for item in sockets:
        item.close()
    return [
        {"TF_CONFIG": json.dumps({"cluster": cluster, "task": {"type": "worker", "index": index}})}
        for index in range(number)
    ]
