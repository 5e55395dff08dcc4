"""A training of two processes when one is killed or asked to stop: the other does not wait for it."""

import json
import signal
import time

CLI = ["-m", "calosim_tf", "train", "photon", "--strategy", "multiworker", "--no-report"]
TINY = ["--set", "network.latent.size=4", "network.generator_units=6,5", "network.critic_units=7,6"]
TINY += ["training.batch_size=8", "training.critic_steps=1", "training.checkpoint_every=20", "training.log_every=10"]


def wait_for_checkpoint(run, worker, seconds=200):
    deadline = time.monotonic() + seconds
    while not (run / "checkpoints" / "latest").is_file():
        assert worker.poll() is None, worker.stderr.read()[-3000:]
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_a_killed_rank_ends_the_other_and_a_signal_to_one_stops_both(start_workers, tmp_path):
    """Breaks when a rank waits forever for a dead one, or one that is told to stop leaves the other behind."""
    run = tmp_path / "run"
    command = [*CLI, "--out", run, "--resume", "--iterations", "1000000", *TINY]
    chief, other = start_workers(command)
    wait_for_checkpoint(run, chief)
    other.kill()
    killed = time.monotonic()
    error = chief.communicate(timeout=60)[1]
    assert time.monotonic() - killed < 60
    assert chief.returncode == 1, error
    (line,) = [line for line in error.splitlines() if line.startswith("calosim: error:")]
    assert "lost rank 1" in line
    assert "--resume" in line
    reached = int((run / "checkpoints" / "latest").read_text())
    assert json.loads((run / "status.json").read_text())["state"] == "failed"

    chief, other = start_workers(command)
    (run / "checkpoints" / "latest").unlink()
    wait_for_checkpoint(run, chief)
    other.send_signal(signal.SIGTERM)
    errors = [worker.communicate(timeout=120)[1] for worker in (chief, other)]
    assert [chief.returncode, other.returncode] == [75, 75], errors
    assert "a signal to another rank" in errors[0]
    starts = json.loads((run / "strategy.json").read_text())["starts"]
    assert [start["iteration"] for start in starts] == [0, reached]
    status = json.loads((run / "status.json").read_text())
    assert status["state"] == "stopped"
    assert status["iteration"] > reached
