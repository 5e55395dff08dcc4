"""Signals and the folder lock: a stop saves the state, and two processes never write to one run."""

from __future__ import annotations

import errno
import json
import os
import signal
import socket
import time

import pytest

from calosim_tf.errors import RunFolderError
from calosim_tf.training.run_lock import LOCK, RunLock, _identity

SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1)
ENDLESS = 1_000_000


def wait_for(condition, child=None):
    deadline = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.timeout(600)
def test_a_signal_saves_after_the_iteration_and_exits_75(nurseries, command, straight, outcome, count, tmp_path):
    """Breaks if a signal of the queue system loses iterations, or ends with another code than a requeue looks for."""

    def case(nursery, number):
        run = tmp_path / number.name
        child = nursery.start(*command("wasserstein", run, iterations=ENDLESS))
        wait_for(lambda: (run / "checkpoints" / "latest").exists())
        child.signal(number)
        code = child.wait()
        status = json.loads((run / "status.json").read_text())
        latest = int((run / "checkpoints" / "latest").read_text())
        right = code == 75 and status == {"iteration": latest, "state": "stopped", "exit": 75}
        return None if right else f"{number.name}: {code} {status} {latest} {child.messages()}"

    faults = nurseries.each(case, SIGNALS)
    assert not any(faults), faults
    count("signals that stop with exit 75", ", ".join(item.name for item in SIGNALS))


def test_a_signal_inside_an_iteration_is_obeyed_behind_it(nurseries, command, straight, outcome, tmp_path):
    """Breaks if the stop writes a state in between, or the resumed run differs from the uninterrupted one."""
    expected, points = straight["wasserstein"]
    first_append = next(number for number, stage, action, _ in points if action == "append")
    run = tmp_path / "run"
    with nurseries.one() as nursery:
        code, messages = nursery.run(*command("wasserstein", run), CALOSIM_FAULT=f"SIGUSR1:{first_append}")
        assert code == 75, messages
        assert "stopped by SIGUSR1 after iteration 3" in messages
        code, messages = nursery.run(*command("wasserstein", run))
    assert code == 0, messages
    assert outcome(run) == expected


def test_a_signal_before_the_first_iteration_leaves_a_run_that_starts(nurseries, command, straight, outcome, tmp_path):
    """Breaks if a job that is stopped while it reads data cannot be resubmitted unchanged."""
    expected, _ = straight["wasserstein"]
    run = tmp_path / "run"
    with nurseries.one() as nursery:
        code, messages = nursery.run(*command("wasserstein", run), CALOSIM_FAULT="SIGTERM:5")
        assert code == 75, messages
        assert messages.count("\n") == 1
        code, messages = nursery.run(*command("wasserstein", run))
    assert code == 0, messages
    assert outcome(run) == expected


def test_a_second_signal_ends_at_once(nurseries, command, tmp_path):
    """Breaks if a user who insists has to wait for a checkpoint, or loses an earlier one."""
    run = tmp_path / "run"
    with nurseries.one() as nursery:
        log = tmp_path / "points"
        child = nursery.start(
            *command("wasserstein", run, iterations=ENDLESS), CALOSIM_FAULT="SIGSTOP:60", CALOSIM_FAULT_LOG=str(log)
        )
        assert child.wait() == "stopped"
        child.signal(signal.SIGTERM)
        child.signal(signal.SIGCONT)
        wait_for(lambda: "a second signal ends at once" in child.messages())
        child.signal(signal.SIGTERM)
        assert child.wait() in (-signal.SIGTERM, 75)  # 75 where the first one was quicker
        code, messages = nursery.run(*command("wasserstein", run))
    assert code == 0, messages


def test_two_processes_do_not_write_to_one_run(nurseries, command, tmp_path):
    """Breaks if a job that was submitted twice mixes two runs in one folder."""
    run = tmp_path / "run"
    with nurseries.one() as first, nurseries.one() as second:
        child = first.start(*command("wasserstein", run, iterations=ENDLESS))
        wait_for(lambda: (run / "checkpoints" / "latest").exists())
        code, messages = second.run(*command("wasserstein", run))
        assert code == 2, messages
        assert messages.count("\n") == 1
        assert f"is being written by process {child.pid} on {socket.gethostname()}" in messages
        child.signal(signal.SIGKILL)
        child.wait()
        latest = int((run / "checkpoints" / "latest").read_text())
        code, messages = second.run(*command("wasserstein", run, iterations=latest + 1))
    assert code == 0, messages
    assert f"process {child.pid} on {socket.gethostname()} is gone, its lock is removed" in messages


def write_lock(folder, **changes):
    (folder / LOCK).write_text(json.dumps({**_identity(), "token": "other", **changes}))


@pytest.mark.parametrize(
    "changes",
    [{"pid": 2**22 + 1}, {"pid": os.getppid(), "started": 1}, {"machine": "an earlier boot", "pid": os.getpid()}],
    ids=["no such process", "its number was given to another", "before the machine was started anew"],
)
def test_a_stale_lock_is_recognised(tmp_path, changes):
    """Breaks if a run that died with its machine can never be resumed."""
    write_lock(tmp_path, **changes)
    with RunLock(tmp_path, silence_s=0.3) as lock:
        lock.require_held()
    assert not (tmp_path / LOCK).exists()


def test_a_lock_of_another_host_counts_while_its_time_stamp_moves(tmp_path):
    """Breaks if two hosts with a shared disk train in one folder, or a dead host blocks the run forever."""
    write_lock(tmp_path, host="node17")
    with RunLock(tmp_path / "other"):  # any folder: it is the time stamp of ours that is moved below
        import threading

        ended = threading.Event()

        def beat():
            while not ended.wait(0.05):
                os.utime(tmp_path / LOCK)

        thread = threading.Thread(target=beat)
        thread.start()
        try:
            with (
                pytest.raises(RunFolderError, match=r"is being written by process .* on node17"),
                RunLock(tmp_path, silence_s=2.0),
            ):
                pass
        finally:
            ended.set()
            thread.join()
    with RunLock(tmp_path, silence_s=0.3):
        assert json.loads((tmp_path / LOCK).read_text())["pid"] == os.getpid()


def test_a_holder_that_was_taken_over_writes_no_more(tmp_path):
    """Breaks if a suspended process wakes up and writes its old state over a newer one."""
    with RunLock(tmp_path) as lock:
        write_lock(tmp_path, host="node18")
        with pytest.raises(RunFolderError, match=r"was taken over by process .* on node18"):
            lock.require_held()
    assert json.loads((tmp_path / LOCK).read_text())["host"] == "node18"


def test_the_holder_renews_its_time_stamp(tmp_path):
    """Breaks if a living process looks dead from another host."""
    with RunLock(tmp_path, beat_s=0.05):
        first = (tmp_path / LOCK).stat().st_mtime_ns
        wait_for(lambda: (tmp_path / LOCK).stat().st_mtime_ns != first)
        assert (tmp_path / LOCK).stat().st_mtime_ns > first


def test_a_disk_without_hard_links_has_locks_too(tmp_path, monkeypatch):
    """Breaks if nothing can be trained on such a file system, or its lock keeps nobody out."""

    def refuse(*_names):
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr("os.link", refuse)
    with RunLock(tmp_path) as lock:
        lock.require_held()
        with pytest.raises(RunFolderError, match="is being written by process"), RunLock(tmp_path):
            pass
    assert not (tmp_path / LOCK).exists()
