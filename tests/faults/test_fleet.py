"""A fleet whose workflow is killed, and then a member, ends with the weights of trainings that were never killed."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from calosim_tf.errors import ConfigError
from calosim_tf.fleet.engine import snakemake_program
from calosim_tf.fleet.folder import FleetFolder
from calosim_tf.fleet.plan import read_plan
from calosim_tf.fleet.status import fleet_status

from .conftest import COMMON, ITERATIONS, PHOTON

try:
    snakemake_program()
except ConfigError:
    pytest.skip("needs Snakemake: make install-fleet", allow_module_level=True)
# One is enough: a report of each takes most of the time
NAMES = ("photon_0",)


@pytest.fixture(scope="module")
def plan(data_files, tmp_path_factory) -> Path:
    """A slice of tiny photons, and one of an experiment that does not fit its file."""
    path = tmp_path_factory.mktemp("fleet") / "plan.csv"
    settings = " ".join((*PHOTON, *COMMON, f"training.iterations={ITERATIONS}"))
    rows = ["name,particle,eta_min,eta_max,experiment,data,settings"]
    for number, name in enumerate(NAMES):
        rows.append(f'{name},photon,{number},{number + 1},photon,{data_files["photon"]},"{settings}"')
    rows.append(f"bad,photon,{len(NAMES)},{len(NAMES) + 1},photon,{data_files['photon']},network.n_outputs=3")
    path.write_text("\n".join(rows) + "\n")
    return path


def processes(word: str, folder: Path) -> list[int]:
    """Numbers of the processes whose command line has a word and whose working folder is the fleet's."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                words = (entry / "cmdline").read_bytes().decode("utf-8", "replace").split("\0")
                if word in words and (str(folder) in words or os.readlink(entry / "cwd") == str(folder)):
                    found.append(int(entry.name))
            except OSError:
                continue
    return found


def wait_for(condition, seconds: float = 300.0):
    """What ``condition`` gives when it is true."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(0.02)
    raise AssertionError("waited in vain")


@pytest.fixture
def fleet(tmp_path):
    """Folder of the fleet; what a failed test leaves running in it is ended."""
    yield tmp_path / "fleet"
    for number in processes(snakemake_program(), tmp_path / "fleet"):
        os.killpg(number, signal.SIGKILL)


@pytest.mark.timeout(900)
def test_killed_fleet_ends_with_the_same_weights(calosim_process, plan, nurseries, command, outcome, fleet, tmp_path):
    """Breaks if a killed Snakemake locks the fleet, if what it leaves is trained anew or twice, or if one member's
    failure stops the others."""
    words = ("fleet", "run", plan, "--out", fleet, "--jobs", "2", "--retries", "1")
    process = calosim_process(*words)
    wait_for(lambda: (fleet / "members" / NAMES[0] / "run" / "config.json").exists())
    (workflow,) = processes(snakemake_program(), fleet)
    os.kill(workflow, signal.SIGKILL)
    assert process.wait(timeout=30) == 1
    process = calosim_process(*words)
    # the step that is left over ends first; a member is killed in its training, and its retry goes on
    killed = wait_for(lambda: processes(NAMES[-1], fleet))
    for number in killed:
        os.kill(number, signal.SIGKILL)
    assert process.wait(timeout=600) == 1
    with nurseries.one() as nursery:
        assert nursery.run(*command("wasserstein", tmp_path / "straight"))[0] == 0
    expected = outcome(tmp_path / "straight")
    for name in NAMES:
        member = fleet / "members" / name
        found = outcome(member / "run")
        assert {key: found[key] for key in ("sha256", "history.csv", "selection.csv", "best")} == {
            key: expected[key] for key in ("sha256", "history.csv", "selection.csv", "best")
        }
        assert (member / "bundle" / "sidecar.json").is_file()
    rows = fleet_status(read_plan(plan), FleetFolder(fleet))
    assert [row.state for row in rows] == ["done", "failed"]
    assert "network.n_outputs: found 3, expected 368" in rows[-1].reason
    stamps = {path: path.stat().st_mtime_ns for path in fleet.glob("members/photon_*/*.json")}
    plan.write_text(plan.read_text().replace("\nbad,", "\n#bad,"))
    assert calosim_process(*words).wait(timeout=300) == 0
    assert stamps == {path: path.stat().st_mtime_ns for path in stamps}
