"""The same with the real Horovod, started by horovodrun: `make smoke-horovod`."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(
    "CALOSIM_TEST_HOROVOD" not in os.environ, reason="needs `make install-horovod`; `make smoke-horovod` runs it"
)
HOROVODRUN = [str(Path(sys.executable).with_name("horovodrun")), "--gloo", "-np", "2", "-H", "localhost:2"]
CLI = [sys.executable, "-m", "calosim_tf", "train", "photon", "--strategy", "horovod", "--no-report"]
TINY = ["--set", "network.latent.size=4", "network.generator_units=6,5", "network.critic_units=7,6"]
TINY += ["training.batch_size=8", "training.critic_steps=1", "training.checkpoint_every=20", "training.log_every=10"]


def test_two_processes_equal_one(several, shared_out, alone, cells_folder):
    """Breaks when the broadcast leaves out a part of the state, or gradients, draws, rows or statistics are local."""
    command = [*HOROVODRUN, sys.executable, several.script, "horovod", cells_folder, shared_out, *several.runs]
    process = subprocess.run(command, capture_output=True, text=True, check=False)
    assert process.returncode == 0, process.stderr[-3000:]
    assert "[0]<stderr>:calosim: iteration 5" in process.stderr
    assert "[1]<stderr>:calosim" not in process.stderr
    several.require_all_equal(shared_out, alone, cells_folder)


def test_3dgan_too(several, tmp_path, cells_folder):
    """Breaks when its label flips, drawn energies, dropout or batch statistics are those of a replica alone.

    The slots of RMSprop, sums of squared gradients, are compared: weights move by full steps even where a gradient is
    nothing but rounding.
    """
    run = "three_d_gan:run:1"
    several.alone(cells_folder, tmp_path / "alone", [run])
    command = [*HOROVODRUN, sys.executable, several.script, "horovod", cells_folder, tmp_path / "shared", run]
    process = subprocess.run(command, capture_output=True, text=True, check=False)
    assert process.returncode == 0, process.stderr[-3000:]
    found, expected = (several.checkpoint(tmp_path / name / "run", 1) for name in ("shared", "alone"))
    for network in ("generator", "critic"):
        assert several.relative_distance(found, expected, f"optimizer_{network}/_variables/") < 1e-2, network


def test_scaling_is_measured_with_one_core_per_worker(tmp_path):
    """Breaks when a worker fails to start, the efficiency forgets the batch, or one worker is timed twice."""
    command = [sys.executable, "-m", "calosim_tf", "bench", "scaling", "photon", "--engine", "horovod", "--json"]
    command += ["--rounds", "1", "--steps", "1", *TINY]
    process = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert process.returncode == 0, process.stderr[-3000:]
    rows = json.loads(process.stdout)["rows"]
    assert [(row["fixed"], row["workers"], row["global_batch"]) for row in rows] == [
        ("per_worker", 1, 8), ("per_worker", 2, 16), ("global", 1, 8), ("global", 2, 8),
    ]  # fmt: skip
    seconds = [row["seconds_per_iteration"]["median"] for row in rows]
    assert seconds[0] == seconds[2]
    assert rows[1]["efficiency"]["median"] == pytest.approx(seconds[0] / seconds[1])
    assert rows[3]["efficiency"]["median"] == pytest.approx(seconds[0] / seconds[3] / 2)
    assert [rows[0]["efficiency"]["median"], rows[2]["efficiency"]["median"]] == [1.0, 1.0]
    assert all(row["reduction_share"]["median"] < 1 for row in rows)


def ranks_of(launcher):
    """Process ids of the two ranks, from the process table."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            environment = (entry / "environ").read_bytes().split(b"\0")
            arguments = (entry / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        ranks = [item.split(b"=")[1] for item in environment if item.startswith(b"HOROVOD_RANK=")]
        if ranks and arguments[1:3] == [b"-m", b"calosim_tf"] and f"CALOSIM_TEST={launcher}".encode() in environment:
            found.append((int(ranks[0]), int(entry.name)))
    return [pid for _, pid in sorted(found)]


@pytest.mark.parametrize(("number", "exit_code"), [(signal.SIGKILL, 1), (signal.SIGTERM, 75)])
def test_a_rank_that_ends_ends_all(tmp_path, number, exit_code):
    """Breaks when a rank waits forever for a dead one, or a signal to one leaves the other behind."""
    run, mark = tmp_path / "run", f"{os.getpid()}-{number}"
    launcher = subprocess.Popen(
        [*HOROVODRUN, *CLI, "--out", str(run), "--resume", "--iterations", "1000000", *TINY],
        stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**os.environ, "CALOSIM_TEST": mark},
    )  # fmt: skip
    deadline = time.monotonic() + 200
    while not (run / "checkpoints" / "latest").is_file():
        assert launcher.poll() is None, launcher.stderr.read()[-3000:]
        assert time.monotonic() < deadline
        time.sleep(0.1)
    pids = ranks_of(mark)
    assert len(pids) == 2
    os.kill(pids[1], number)
    output, error = launcher.communicate(timeout=60)
    assert launcher.returncode != 0
    assert not any(Path(f"/proc/{pid}").exists() for pid in pids)
    said = output + error
    if exit_code == 75:
        assert "stopped by" in said
        assert '"state": "stopped"' in (run / "status.json").read_text()
    else:
        # the launcher knows which
        assert "Process name: 1" in said or "rank 1" in said, said[-3000:]
        assert int((run / "checkpoints" / "latest").read_text()) >= 20
