"""A disk that fills up, or may not be written to: one line, earlier checkpoints intact, and the run continues later."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
from contextlib import contextmanager

import pytest

# Checkpoints of the tiny network take 0.2 MiB, with the required margin 1.2
DISK = "size=16m"
MOMENTS = {
    "TensorFlow writes the state": ("before", "state", ".partial-N", 1),
    "the manifest is written": ("before", "write", "manifest.json", 1),
    "the pointer is written": ("before", "write", ".latest.partial-N", 1),
    "a row of the history is added": ("before", "append", "history.csv", 0),
    "the table of verdicts is written": ("before", "write", ".selection.csv.partial-N", 1),
    "the status is written": ("before", "write", ".status.json.partial-N", 2),
}


@contextmanager
def small_disk(folder):
    """A separate tmpfs, or a skip where that is not allowed."""
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", DISK, "tmpfs", str(folder)], capture_output=True, text=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip(f"a tmpfs cannot be mounted here: {mounted.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(folder):
    with (folder / "filler").open("wb", buffering=0) as stream:
        try:
            while stream.write(bytes(2**16)):
                pass
        except OSError:
            return


def point(points, stage, action, name, occurrence):
    numbers = [p[0] for p in points if (p[1], p[2], re.sub(r"\d+", "N", p[3])) == (stage, action, name)]
    return numbers[occurrence]


def errors(messages):
    return [line for line in messages.splitlines() if line.startswith("calosim: error: ")]


@pytest.mark.timeout(900)
def test_full_at_any_moment(nurseries, command, straight, outcome, count, tmp_path):
    """Breaks if a full disk ends in a traceback, damages a checkpoint, or the run does not go on once there is room."""
    expected, points = straight["wasserstein"]

    def case(nursery, item):
        number, moment = item
        with small_disk(tmp_path / f"disk{number}") as disk:
            run = disk / "run"
            child = nursery.start(*command("wasserstein", run), CALOSIM_FAULT=f"SIGSTOP:{point(points, *moment)}")
            if child.wait() != "stopped":
                return child.messages()
            before = {path: path.read_bytes() for path in (run / "checkpoints").glob("[0-9]*/*")}
            fill(disk)
            child.signal(signal.SIGCONT)
            code, messages = child.wait(), child.messages()
            lost = [path for path, content in before.items() if path.read_bytes() != content]
            (disk / "filler").unlink()
            if code != 1 or len(errors(messages)) != 1 or "Traceback" in messages or lost:
                return f"{code}, {lost}: {messages}"
            if not re.search("space", errors(messages)[0]):
                return messages
            code, messages = nursery.run(*command("wasserstein", run))
            return None if code == 0 and outcome(run) == expected else f"resumed: {code}: {messages}"

    with small_disk(tmp_path / "tried"):
        pass  # skips here where it is not allowed
    results = nurseries.each(case, list(enumerate(MOMENTS.values())))
    assert not any(results), dict(zip(MOMENTS, results, strict=True))
    count("moments of a full disk", f"{len(results)}, one line each, nothing lost, resumed bit-equal")


def test_too_little_room_before_the_run_and_for_the_next_checkpoint(nurseries, command, straight, outcome, tmp_path):
    """Breaks if a run begins that cannot keep its checkpoints, or tries a checkpoint that cannot fit."""
    expected, points = straight["wasserstein"]
    with small_disk(tmp_path / "disk") as disk, nurseries.one() as nursery:
        run = disk / "run"
        (disk / "filler").write_bytes(bytes(14 * 2**20))
        code, messages = nursery.run(*command("wasserstein", run))
        assert (code, len(errors(messages))) == (1, 1), messages
        assert "MiB are free, expected" in messages
        assert "for 3 checkpoints" in messages
        (disk / "filler").unlink()
        at = point(points, "before", "append", "history.csv", 0)
        child = nursery.start(*command("wasserstein", run), CALOSIM_FAULT=f"SIGSTOP:{at}")
        assert child.wait() == "stopped"
        free = shutil.disk_usage(disk).free
        (disk / "filler").write_bytes(bytes(free - 2**19))
        child.signal(signal.SIGCONT)
        assert child.wait() == 1
        assert "for the next checkpoint: free space" in child.messages()
        (disk / "filler").unlink()
        code, messages = nursery.run(*command("wasserstein", run))
        assert code == 0, messages
        assert outcome(run) == expected


def test_a_read_only_disk_is_one_line(nurseries, command, tmp_path):
    """Breaks if a disk that was mounted read-only after an error of its own ends in a traceback."""
    with small_disk(tmp_path / "disk") as disk, nurseries.one() as nursery:
        run = disk / "run"
        code, _ = nursery.run(*command("wasserstein", run))
        assert code == 0
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        for out in (run, disk / "new"):
            code, messages = nursery.run(*command("wasserstein", out))
            assert (code, messages.count("\n")) == (2, 1), messages
            assert "read-only file system" in messages


def test_a_folder_without_permission_is_one_line(nurseries, command, tmp_path):
    """As above for a user who may not write there; root may write everywhere."""
    if os.geteuid() == 0:
        pytest.skip("permissions do not bind root: the read-only disk stands for it")
    tmp_path.chmod(0o500)
    with nurseries.one() as nursery:
        code, messages = nursery.run(*command("wasserstein", tmp_path / "run"))
    assert (code, messages.count("\n")) == (2, 1), messages
