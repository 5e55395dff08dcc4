"""A SLURM for the tests: MUNGE, a controller and two nodes on one machine, in a folder of their own.

Nothing of the machine is used or changed: no service, no user, no cgroup, no database, and free ports.  The nodes
pretend to have the cores and GPUs that the scripts ask for.
"""

from __future__ import annotations

import contextlib
import getpass
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

DAEMONS = ("munged", "slurmctld", "slurmd")
# Two names of one machine that every program finds; SLURM itself reads `localhost` as the host name
NODES = ("127.0.0.1", socket.gethostname())
PARTITION = "calosim"
# More than one_node.sh asks for: a fleet runs beside it
CORES, GPUS = 48, 6
START_S, STOP_S, POLL_S = 15.0, 10.0, 0.2

CONFIGURATION = """\
ClusterName=calosim
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={port}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
CredType=cred/munge
AuthInfo=socket={folder}/munge.socket
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool-%n
TmpFS={folder}/tmp-%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/%n.pid
SlurmctldDebug=debug
SlurmdParameters=config_overrides
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
GresTypes=gpu
MpiDefault=none
SwitchType=switch/none
MailProg=/bin/true
ReturnToService=0
SchedulerParameters=batch_sched_delay=1,sched_interval=5,bf_interval=5
{nodes}
PartitionName={partition} Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""


def missing_program() -> str:
    """A daemon that is not installed; empty for none."""
    return next((name for name in DAEMONS if _daemon(name) is None), "")


def wait_for(condition: Callable[[], object], what: str, seconds: float) -> object:
    """What ``condition`` gives as soon as it is true."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(POLL_S)
    raise AssertionError(f"waited {seconds:g} s in vain: {what}")


@dataclass(frozen=True)
class Job:
    """A submitted job, and the folder that it was submitted from."""

    number: str
    folder: Path


class Cluster:
    """The daemons, and the commands of a user.

    Parameters
    ----------
    folder : Path
        Short: sockets lie in it.
    """

    def __init__(self, folder: Path):
        self.folder = folder
        self._daemons: list[subprocess.Popen] = []
        # what a user of the cluster has: the package on the PATH
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("SLURM_", "TF_"))},
            "PATH": f"{folder / 'bin'}:{Path(sys.executable).parent}:{os.environ['PATH']}",
            "SLURM_CONF": str(folder / "slurm.conf"),
        }

    def start(self) -> None:
        """Start all daemons and wait until both nodes take jobs."""
        self._configure()
        socket_file, key = self.folder / "munge.socket", self.folder / "munge.key"
        key.write_bytes(os.urandom(128))
        key.chmod(0o600)
        munge = {"socket": socket_file, "key-file": key, "pid-file": self.folder / "munge.pid"}
        munge |= {"log-file": self.folder / "munge.log", "seed-file": self.folder / "munge.seed"}
        # the folder is the user's alone, which munged finds too strict
        self._start("munged", "--foreground", "--force", *(f"--{name}={path}" for name, path in munge.items()))
        wait_for(socket_file.exists, "munged", START_S)
        self._start("slurmctld", "-D", "-i")
        for node in NODES:
            self._start("slurmd", "-D", "-N", node)
        wait_for(lambda: set(self.node_states().values()) == {"idle"}, "two nodes that take jobs", START_S)

    def stop(self) -> None:
        """End all jobs, then the daemons."""
        with contextlib.suppress(subprocess.SubprocessError):
            self.command("scancel", "--signal=KILL", "--full", f"--user={getpass.getuser()}")
            self.command("scancel", f"--user={getpass.getuser()}")
            with contextlib.suppress(AssertionError):
                wait_for(lambda: not self.command("squeue", "--noheader").strip(), "the end of all jobs", STOP_S)
        for daemon in reversed(self._daemons):
            daemon.send_signal(signal.SIGTERM)
        for daemon in self._daemons:
            try:
                daemon.wait(timeout=STOP_S)
            except subprocess.TimeoutExpired:
                daemon.kill()
                daemon.wait()

    def command(self, *words: object) -> str:
        """Output of a command of SLURM."""
        return self.attempt(*words, check=True).stdout

    def attempt(self, *words: object, check: bool = False) -> subprocess.CompletedProcess:
        """A command that may fail."""
        return subprocess.run(
            [str(word) for word in words], env=self.environment, capture_output=True, text=True, timeout=60,
            check=check,
        )  # fmt: skip

    def submit(self, folder: Path, *words: object, **environment: str) -> Job:
        """``sbatch`` in a folder of its own."""
        folder.mkdir(parents=True)
        done = subprocess.run(
            ["sbatch", "--parsable", *map(str, words)],
            env={**self.environment, **environment}, cwd=folder, capture_output=True, text=True, timeout=60,
            check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return Job(done.stdout.strip(), folder)

    def show(self, job: Job) -> dict[str, str]:
        """What ``scontrol show job`` says, by its names."""
        return dict(
            word.split("=", 1)
            for word in self.command("scontrol", "show", "job", "-o", job.number).split()
            if "=" in word
        )

    def node_states(self) -> dict[str, str]:
        """Node -> state, for those that answer."""
        lines = self.attempt("sinfo", "--noheader", "--Node", "--format=%N %T").stdout.splitlines()
        return dict(line.split() for line in lines)

    def wait(self, job: Job, states: str = "COMPLETED", seconds: float = 200.0) -> dict[str, str]:
        """What SLURM says of a job as soon as it is in one of these states (words with blanks between).

        A job that ends otherwise fails the test with what it has said.
        """
        wanted = states.split()

        def reached():
            found = self.show(job)
            if found["JobState"] in wanted:
                return found
            assert found["JobState"] in {"PENDING", "RUNNING", "COMPLETING", "REQUEUED"}, (
                found["JobState"],
                self.output(job),
            )
            return None

        try:
            return wait_for(reached, f"job {job.number}", seconds)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.log_of(job)}\n{self.output(job)}") from None

    def output(self, job: Job) -> str:
        """What a job and its steps have said."""
        return "\n".join(path.read_text() for path in sorted(job.folder.glob("slurm-*.out")))

    def log_of(self, job: Job) -> str:
        """What the controller has said of a job."""
        lines = (self.folder / "slurmctld.log").read_text().splitlines()
        return "\n".join(line for line in lines if re.search(rf"JobId={job.number}\b", line))

    def logs(self) -> str:
        """Last lines of all daemons."""
        return "\n".join("\n".join(path.read_text().splitlines()[-30:]) for path in sorted(self.folder.glob("*.log")))

    def _configure(self) -> None:
        ports = _free_ports(1 + len(NODES))
        host = socket.gethostname()
        lines = [
            f"NodeName={node} NodeAddr=127.0.0.1 Port={port} CPUs={CORES} RealMemory=100000 "
            f"Gres=gpu:{GPUS} State=UNKNOWN"
            for node, port in zip(NODES, ports[1:], strict=True)
        ]
        text = CONFIGURATION.format(
            host=host,
            port=ports[0],
            user=getpass.getuser(),
            folder=self.folder,
            nodes="\n".join(lines),
            partition=PARTITION,
        )
        (self.folder / "slurm.conf").write_text(text)
        # files instead of devices: SLURM counts them, and nothing opens them
        (self.folder / "gres.conf").write_text(f"Name=gpu File={self.folder}/gpu[0-{GPUS - 1}]\n")
        for number in range(GPUS):
            (self.folder / f"gpu{number}").touch()
        # Snakemake's plugin removes the variables of SLURM inside of a job, this one too
        srun = self.folder / "bin" / "srun"
        srun.parent.mkdir()
        srun.write_text(f'#!/bin/sh\nSLURM_CONF={self.folder}/slurm.conf exec {shutil.which("srun")} "$@"\n')
        srun.chmod(0o755)
        (self.folder / "state").mkdir()
        for node in NODES:
            (self.folder / f"spool-{node}").mkdir()
            # here PMIx makes a folder of one name in each node, which two nodes of one machine must not share
            (self.folder / f"tmp-{node}").mkdir()

    def _start(self, name: str, *arguments: str) -> None:
        log = self.folder / f"{name}{arguments[-1] if name == 'slurmd' else ''}.log"
        with log.open("ab") as stream:
            daemon = subprocess.Popen(
                [_daemon(name), *arguments],
                stdout=stream,
                stderr=stream,
                stdin=subprocess.DEVNULL,
                env=self.environment,
            )
        self._daemons.append(daemon)


def _daemon(name: str) -> str | None:
    return shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin")


def _free_ports(number: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(number)]
        for item in sockets:
            item.bind(("127.0.0.1", 0))
        return [item.getsockname()[1] for item in sockets]
