"""``calosim fleet run --engine slurm``: Snakemake's plugin against a SLURM that keeps no accounts."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from calosim_tf.errors import ConfigError
from calosim_tf.fleet.engine import WORKFLOW, snakemake_program

from .cluster import PARTITION, wait_for

try:
    snakemake_program()
except ConfigError:
    pytest.skip("needs Snakemake: make install-fleet", allow_module_level=True)

SETTINGS = (
    "network.latent.size=4 network.generator_units=6,5 network.critic_units=7,6 training.batch_size=16 "
    "training.critic_steps=2 training.checkpoint_every=20"
)
# The second trains long enough to be stopped in between
ITERATIONS = {"photon_0": 20, "photon_1": 600}


@pytest.fixture
def start(cluster, public_like_file, tmp_path):
    """``start(partition)``: begin a fleet of two members in it, with the profile that is shipped."""
    plan, profile = tmp_path / "plan.csv", tmp_path / "profile"
    rows = [
        f'{name},photon,{index},{index + 1},photon,{public_like_file},"{SETTINGS} training.iterations={number}"'
        for index, (name, number) in enumerate(ITERATIONS.items())
    ]
    plan.write_text("\n".join(["name,particle,eta_min,eta_max,experiment,data,settings", *rows]) + "\n")
    started = []

    def start(partition: str) -> subprocess.Popen:
        text = (WORKFLOW / "slurm" / "config.yaml").read_text()
        profile.mkdir(exist_ok=True)
        # the plugin looks after its jobs every 40 s
        text = text.replace(
            "default-resources:",
            f"slurm-init-seconds-before-status-checks: 3\ndefault-resources:\n  slurm_partition: {partition}",
        )
        (profile / "config.yaml").write_text(text)
        words = [
            "fleet",
            "run",
            plan,
            "--out",
            tmp_path / "fleet",
            "--engine",
            "slurm",
            "--jobs",
            "2",
            "--profile",
            profile,
        ]
        process = subprocess.Popen(
            [sys.executable, "-m", "calosim_tf", *map(str, words)],
            env=cluster.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def test_refused_jobs_are_one_line(start):
    """Breaks if a cluster that does not take a job leads to retries, a traceback or another exit code than 2."""
    process = start("nowhere")
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 2, errors
    (line,) = (line for line in errors.splitlines() if "error" in line)
    assert "the cluster refuses a job (sbatch: error: invalid partition specified: nowhere)" in line


def _job_of(cluster, name: str) -> str:
    """Number of the running job that trains a member; empty for none."""
    for line in cluster.command("squeue", "--noheader", "--states=RUNNING", "--format=%i %k").splitlines():
        number, _, comment = line.partition(" ")
        if "train" in comment and name in comment:
            return number
    return ""


@pytest.mark.timeout(400)
def test_fleet_on_slurm(cluster, start, tmp_path):
    """Breaks if the shipped profile is refused by the plugin, if the end of a job is never noticed, or if the signal
    before a time limit ends a member without saving it."""
    fleet = tmp_path / "fleet"
    process = start(PARTITION)
    run = fleet / "members" / "photon_1" / "run"
    wait_for((run / "checkpoints" / "latest").exists, "the first checkpoint", 200)
    cluster.command("scancel", "--signal=USR1", _job_of(cluster, "photon_1"))
    printed, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors + (fleet / "workflow.log").read_text()[-4000:]
    assert "2 of 2 members done" in printed
    log = (fleet / "members" / "photon_1" / "log.txt").read_text()
    assert "stopped by SIGUSR1 after iteration" in log
    for name, number in ITERATIONS.items():
        assert json.loads((fleet / "members" / name / "train.json").read_text())["iteration"] == number
        assert (Path(fleet) / "members" / name / "bundle" / "sidecar.json").is_file()
