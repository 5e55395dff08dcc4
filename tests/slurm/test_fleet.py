"""``calosim fleet run --engine slurm``: Snakemake's plugin against a SLURM that keeps no accounts."""

from __future__ import annotations

import json

import pytest

from .cluster import wait_for
from .conftest import FLEET_ITERATIONS


def _job_of(cluster, name: str) -> str:
    """Number of the running job that trains a member; empty for none."""
    for line in cluster.command("squeue", "--noheader", "--states=RUNNING", "--format=%i %k").splitlines():
        number, _, comment = line.partition(" ")
        if "train" in comment and name in comment:
            return number
    return ""


def test_signal_before_a_time_limit_reaches_the_training(cluster, fleet):
    """Breaks if the plugin refuses the shipped profile, or if the signal ends the Snakemake inside of the job, and
    with it the training, before that has saved itself."""
    member = fleet.folder / "members" / "photon_1"
    wait_for((member / "run" / "checkpoints" / "latest").exists, "the first checkpoint", 200)
    cluster.command("scancel", "--signal=USR1", _job_of(cluster, "photon_1"))
    wait_for(lambda: "stopped by SIGUSR1 after iteration" in (member / "log.txt").read_text(), "the stop", 30)


def test_refused_jobs_are_one_line(start_fleet):
    """Breaks if a cluster that does not take a job leads to retries, a traceback or another exit code than 2."""
    process = start_fleet("nowhere").process
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 2, errors
    (line,) = (line for line in errors.splitlines() if "error" in line)
    assert "the cluster refuses a job (sbatch: error: invalid partition specified: nowhere)" in line


@pytest.mark.timeout(400)
def test_fleet_ends(fleet):
    """Breaks if the end of a job is never noticed, or if what was stopped is not gone on with."""
    printed, errors = fleet.process.communicate(timeout=300)
    assert fleet.process.returncode == 0, errors + (fleet.folder / "workflow.log").read_text()[-4000:]
    assert "2 of 2 members done" in printed
    for name, number in FLEET_ITERATIONS.items():
        member = fleet.folder / "members" / name
        assert json.loads((member / "train.json").read_text())["iteration"] == number
        assert (member / "bundle" / "sidecar.json").is_file()
