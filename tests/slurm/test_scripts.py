"""Every script of experiments/hpc submitted with sbatch as its head says, to two nodes that pretend to have GPUs.

Networks are tiny, and cut by the command line alone.  Trainings that need each other's time run side by side.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import re
import shutil
import signal
import time
from ctypes.util import find_library
from pathlib import Path

import pytest

from calosim_tf.benchmark.worker_group import transport_of
from calosim_tf.errors import ConfigError

from .cluster import NODES, Cluster, Job, wait_for

SCRIPTS = Path(__file__).parents[2] / "experiments" / "hpc"
# SLURM continues (SIGCONT) what it is about to signal: enough iterations for that moment
ITERATIONS, ENDLESS = 100, 1_000_000
SETTINGS = (
    *("network.latent.size=4", "network.generator_units=6,5", "network.critic_units=7,6", "run.seed=5"),
    *("training.batch_size=16", "training.critic_steps=2", "training.checkpoint_every=25", "training.log_every=10"),
)
START_S, CLEAN_UP_S = 150.0, 5.0


class Trainings:
    """Submits trainings, and knows what an undisturbed one ends with."""

    def __init__(self, cluster: Cluster, data: Path, folder: Path):
        self.cluster, self.data, self.folder = cluster, data, folder

    def submit(self, name: str, script: str, *options: str, iterations: int = ITERATIONS, **environment: str) -> Job:
        """``sbatch OPTIONS SCRIPT photon ...`` in a folder of that name."""
        words = ["photon", "--data", self.data, "--no-report", "--iterations", iterations, "--set", *SETTINGS]
        return self.cluster.submit(self.folder / name, *options, SCRIPTS / script, *words, **environment)

    def held(self, name: str, script: str, number: int, *options: str, **environment: str) -> Job:
        """A training that stops itself (SIGSTOP) at a point of its work; waits until it stands."""
        log = self.folder / f"{name}.points"
        job = self.submit(
            name, script, *options, CALOSIM_FAULT=f"SIGSTOP:{number}", CALOSIM_FAULT_LOG=str(log), **environment
        )  # fmt: skip
        wait_for(lambda: log.exists() and f"\n{number}\t" in log.read_text(), f"{name} in the middle", START_S)
        return job

    def finish(self, job: Job) -> dict[str, str]:
        """Wait for the end of a training that was requeued; it may come to the same point again."""
        cluster = self.cluster

        wait_for(lambda: cluster.show(job)["JobState"] == "PENDING", f"job {job.number} in the queue again", 60)
        # it waits for two minutes, in which the nodes clean up: a job that they still end is not started there
        time.sleep(CLEAN_UP_S)

        def runs_again():
            cluster.attempt("scontrol", "update", f"JobId={job.number}", "StartTime=now")
            found = cluster.show(job)
            return (found["JobState"], found["Restarts"]) == ("RUNNING", "1")

        wait_for(runs_again, f"the second start of job {job.number}\n{cluster.log_of(job)}", 60)

        def ended():
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                go_on(job)
            return cluster.show(job)["JobState"] not in {"RUNNING", "COMPLETING"}

        wait_for(ended, f"the end of job {job.number}", START_S)
        return cluster.wait(job)


def run_of(job: Job) -> Path:
    return job.folder / "runs" / "photon"


def process_of(job: Job) -> int:
    """Number of the process that holds the run."""
    return json.loads((run_of(job) / "lock.json").read_text())["pid"]


def go_on(job: Job) -> None:
    """Let the process that holds the run go on."""
    os.kill(process_of(job), signal.SIGCONT)


def outcome(job: Job) -> dict[str, object]:
    """All that a run leaves and that must not depend on how often it was stopped."""
    run = run_of(job)
    texts = {name: (run / name).read_text() for name in ("history.csv", "selection.csv", "status.json")}
    manifest = json.loads((run / "checkpoints" / str(ITERATIONS) / "manifest.json").read_text())
    return texts | {"sha256": manifest["sha256"]}


def replicas(job: Job) -> list[tuple[str, int]]:
    """Strategy and number of replicas of each part of a run."""
    parts = json.loads((run_of(job) / "strategy.json").read_text())["starts"]
    return [(part["strategy"], part["replicas"]) for part in parts]


@pytest.fixture(scope="module")
def trainings(cluster, public_like_file, tmp_path_factory):
    """:class:`Trainings`."""
    return Trainings(cluster, public_like_file, tmp_path_factory.mktemp("jobs"))


@pytest.fixture(scope="module")
def first_append(trainings, straight) -> int:
    """Number of the point in the middle of a training at which it has appended to its history."""
    trainings.cluster.wait(straight)
    lines = (straight.folder / "points").read_text().splitlines()
    return next(int(line.split("\t")[0]) for line in lines if line.split("\t")[2] == "append")


@pytest.fixture(scope="module")
def straight(trainings) -> Job:
    """One task that nobody disturbs."""
    return trainings.submit("straight", "one_gpu.sh", CALOSIM_FAULT_LOG=str(trainings.folder / "straight" / "points"))


@pytest.fixture(scope="module")
def slices(trainings) -> Job:
    """Two tasks of the array job; slices without a file of their own take that of the test."""
    folder = trainings.folder / "data"
    folder.mkdir()
    for name in ("photon_eta_0_5", "photon_eta_5_10"):
        shutil.copy(trainings.data, folder / f"{name}.hdf5")
    words = ["--no-report", "--iterations", "2", "--set", *SETTINGS[:3], "training.batch_size=16"]
    script = SCRIPTS / "one_gan_per_slice.sh"
    return trainings.cluster.submit(
        trainings.folder / "slices", f"--export=ALL,DATA={folder}", "--array=0-1%50", script, *words
    )


@pytest.fixture(scope="module")
def disturbed(trainings, straight, slices, first_append) -> dict[str, Job]:
    """Three trainings that stand in the middle: for the time limit, for the node that goes down, to be cancelled."""
    endless = trainings.submit("cancelled", "one_gpu.sh", f"--nodelist={NODES[0]}", iterations=ENDLESS)
    limit = trainings.held("limit", "one_gpu.sh", first_append, f"--nodelist={NODES[0]}")
    down = trainings.held("down", "one_gpu.sh", first_append, f"--exclude={NODES[0]}")
    return {"cancelled": endless, "limit": limit, "down": down}


def test_one_task(trainings, straight, first_append):
    """Breaks if the script does not run under SLURM, or leaves something other than a finished run."""
    trainings.cluster.wait(straight)
    status = json.loads((run_of(straight) / "status.json").read_text())
    assert status == {"iteration": ITERATIONS, "state": "finished", "exit": 0}


def test_array_of_slices(trainings, slices):
    """Breaks if a task trains another slice than its number says, or two tasks share a folder."""
    for index, name in enumerate(("photon_eta_0_5", "photon_eta_5_10")):
        trainings.cluster.wait(Job(f"{slices.number}_{index}", slices.folder))
        run = slices.folder / "runs" / "slices" / name
        assert json.loads((run / "status.json").read_text())["exit"] == 0
        assert json.loads((run / "config.json").read_text())["run"]["seed"] == index
        assert name in (run / "data.json").read_text()


def test_every_core_of_the_task_is_given_to_the_step(trainings, disturbed):
    """Breaks if srun takes one core: since SLURM 22.05 it no longer reads --cpus-per-task of the job."""
    assert "CPUs=8 " in trainings.cluster.command("scontrol", "show", "step", "-o", f"{disturbed['limit'].number}.0")


def test_cancelled(trainings, disturbed):
    """Breaks if a job that is cancelled queues itself again, or loses its last iterations."""
    job = disturbed["cancelled"]
    wait_for((run_of(job) / "checkpoints" / "latest").exists, "the first checkpoint", START_S)
    trainings.cluster.command("scancel", job.number)
    trainings.cluster.wait(job, "CANCELLED")
    wait_for(lambda: not (run_of(job) / "lock.json").exists(), "the end of the training", 30)
    status = json.loads((run_of(job) / "status.json").read_text())
    latest = int((run_of(job) / "checkpoints" / "latest").read_text())
    assert status == {"iteration": latest, "state": "stopped", "exit": 75}
    assert trainings.cluster.show(job)["Restarts"] == "0"


def test_time_limit(trainings, disturbed, straight):
    """Breaks if the signal before the time limit does not reach the training, if the job does not queue itself again,
    or if the resumed run is not that of an undisturbed one, bit by bit."""
    cluster, job = trainings.cluster, disturbed["limit"]
    # the script asks for the signal five minutes before the end: it is due now
    cluster.command("scontrol", "update", f"JobId={job.number}", "TimeLimit=4")
    wait_for(lambda: "warning signal 10" in cluster.log_of(job), "the signal of SLURM", 60)
    go_on(job)
    wait_for(lambda: cluster.show(job)["Restarts"] == "1", "the requeue", 60)
    cluster.command("scontrol", "update", f"JobId={job.number}", "TimeLimit=720")
    trainings.finish(job)
    stopped = re.search(r"stopped by SIGUSR1 after iteration (\d+)", cluster.output(job))
    assert 10 <= int(stopped.group(1)) < ITERATIONS
    assert outcome(job) == outcome(straight)


def test_node_that_goes_down(trainings, disturbed, straight):
    """Breaks if the training of a lost node does not go on elsewhere, or not to the same weights."""
    cluster, job = trainings.cluster, disturbed["down"]
    lost = process_of(job)
    cluster.command("scontrol", "update", f"NodeName={NODES[1]}", "State=DOWN", "Reason=test")
    wait_for(lambda: cluster.show(job)["JobState"] == "PENDING", "the requeue", 60)
    # SLURM ends what it reaches, with time to save; a node that is lost takes the training with it at once
    os.kill(lost, signal.SIGKILL)
    cluster.command("scontrol", "update", f"JobId={job.number}", "ExcNodeList=")
    found = trainings.finish(job)
    cluster.command("scontrol", "update", f"NodeName={NODES[1]}", "State=RESUME")
    assert (found["BatchHost"], found["Restarts"]) == (NODES[0], "1")
    assert outcome(job) == outcome(straight)


def test_two_nodes_with_srun(trainings, first_append):
    """Breaks if the tasks of a step do not find each other, or if a stop of one of them does not requeue all."""
    cluster = trainings.cluster
    wait_for(lambda: set(cluster.node_states().values()) == {"idle"}, "two idle nodes", 60)
    job = trainings.held("srun", "several_nodes_srun.sh", first_append, "--nodes=2", "--ntasks-per-node=1")
    cluster.command("scancel", "--signal=USR1", job.number)
    go_on(job)
    wait_for(lambda: cluster.show(job)["Restarts"] == "1", "the requeue", 60)
    trainings.finish(job)
    assert json.loads((run_of(job) / "status.json").read_text())["exit"] == 0
    assert set(replicas(job)) == {("multiworker", 2)}


def test_one_node_with_two_devices(trainings):
    """Breaks if the script for one node does not use its devices."""
    job = trainings.submit("mirrored", "one_node.sh", CALOSIM_VIRTUAL_DEVICES="2")
    trainings.cluster.wait(job)
    assert replicas(job) == [("mirrored", 2)]


@pytest.mark.skipif(importlib.util.find_spec("horovod") is None, reason="needs Horovod: make install-horovod")
def test_two_nodes_with_horovodrun(trainings, first_append):
    """Breaks if horovodrun does not start the ranks that SLURM gave, or if the signal requeues nothing."""
    cluster = trainings.cluster
    job = trainings.held(
        "horovodrun", "several_nodes_horovodrun.sh", first_append, "--nodes=2", "--ntasks-per-node=1"
    )  # fmt: skip
    cluster.command("scancel", "--signal=USR1", "--batch", job.number)
    go_on(job)
    wait_for(lambda: cluster.show(job)["Restarts"] == "1", "the requeue", 60)
    trainings.finish(job)
    assert json.loads((run_of(job) / "status.json").read_text())["exit"] == 0
    assert set(replicas(job)) == {("horovod", 2)}


def _reason_against_pmix() -> str:
    """What is missing for Horovod's MPI build under `srun`; empty for nothing."""
    try:
        if transport_of("horovod") != "MPI":
            return "needs Horovod with MPI: make install-horovod MPI=1"
    except ConfigError as error:
        return str(error)
    return "" if find_library("pmix") else "needs PMIx: apt-get install libpmix2"


@pytest.mark.skipif(bool(_reason_against_pmix()), reason=_reason_against_pmix())
def test_two_nodes_with_horovod_and_srun(trainings, first_append):
    """Breaks if `srun` and Open MPI do not meet, or if a stop of one rank does not requeue all."""
    cluster = trainings.cluster
    options = ("--nodes=2", "--ntasks-per-node=1")
    job = trainings.held("srun-horovod", "several_nodes_srun.sh", first_append, *options, STRATEGY="horovod")
    cluster.command("scancel", "--signal=USR1", job.number)
    go_on(job)
    wait_for(lambda: cluster.show(job)["Restarts"] == "1", "the requeue", 60)
    trainings.finish(job)
    assert json.loads((run_of(job) / "status.json").read_text())["exit"] == 0
    assert set(replicas(job)) == {("horovod", 2)}
