"""A real SLURM, which lives as long as the tests, and a fleet that runs on it beside them."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from calosim_tf.errors import ConfigError
from calosim_tf.fleet.engine import WORKFLOW, snakemake_program

from .cluster import PARTITION, Cluster, missing_program

# The second trains long enough to be stopped in between
FLEET_ITERATIONS = {"photon_0": 20, "photon_1": 600}
FLEET_SETTINGS = (
    "network.latent.size=4 network.generator_units=6,5 network.critic_units=7,6 training.batch_size=16 "
    "training.critic_steps=2 training.checkpoint_every=20"
)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items):
    """A fleet spends its time waiting for jobs: its end is looked at last."""
    items.sort(key=lambda item: item.name == "test_fleet_ends")


@pytest.fixture(scope="session")
def cluster():
    """:class:`Cluster`; its jobs and daemons are ended, its logs printed when they did not start."""
    if missing := missing_program():
        pytest.skip(f"needs SLURM: found no {missing}, make install-slurm")
    try:
        socket.gethostbyname(socket.gethostname())
    except OSError:
        pytest.skip(f"needs an address of this machine: found none for {socket.gethostname()}, see /etc/hosts")
    folder = Path(tempfile.mkdtemp(prefix="calosim-slurm-"))
    found = Cluster(folder)
    try:
        found.start()
        yield found
    except AssertionError:
        print(found.logs())
        raise
    finally:
        found.stop()
        shutil.rmtree(folder, ignore_errors=True)


@dataclass(frozen=True)
class FleetRun:
    """``calosim fleet run`` under way, and the folder of the fleet."""

    process: subprocess.Popen
    folder: Path


@pytest.fixture(scope="session")
def start_fleet(cluster, public_like_file, tmp_path_factory):
    """``start(partition)``: begin a fleet of two members in it, with the profile that is shipped."""
    try:
        snakemake_program()
    except ConfigError:
        pytest.skip("needs Snakemake: make install-fleet")
    started = []

    def start(partition: str) -> FleetRun:
        folder = tmp_path_factory.mktemp("fleet")
        plan, profile = folder / "plan.csv", folder / "profile"
        rows = [
            f'{name},photon,{at},{at + 1},photon,{public_like_file},"{FLEET_SETTINGS} training.iterations={count}"'
            for at, (name, count) in enumerate(FLEET_ITERATIONS.items())
        ]
        plan.write_text("\n".join(["name,particle,eta_min,eta_max,experiment,data,settings", *rows]) + "\n")
        text = (WORKFLOW / "slurm" / "config.yaml").read_text()
        # the plugin looks after its jobs every 40 s
        lines = ("slurm-init-seconds-before-status-checks: 3", "default-resources:", f"  slurm_partition: {partition}")
        profile.mkdir()
        (profile / "config.yaml").write_text(text.replace("default-resources:", "\n".join(lines)))
        words = (
            "fleet",
            "run",
            plan,
            "--out",
            folder / "fleet",
            "--engine",
            "slurm",
            "--jobs",
            "2",
            "--profile",
            profile,
        )
        process = subprocess.Popen(
            [sys.executable, "-m", "calosim_tf", *map(str, words)],
            env=cluster.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        started.append(process)
        return FleetRun(process, folder / "fleet")

    yield start
    for process in started:
        process.terminate()
        process.communicate(timeout=60)


@pytest.fixture(scope="session")
def fleet(start_fleet) -> FleetRun:
    """A fleet that runs beside the other tests."""
    return start_fleet(PARTITION)
