"""SIGKILL anywhere: the resumed run ends with the weights, tables and pointers of one that was never killed."""

from __future__ import annotations

import re
import shutil
import signal
import time
from itertools import count as count_up

import numpy as np
import pytest

# Every place in the code is hit with the first loss, every fourth and fifth with the others: the code is the same,
# what it saves is not
SHARE = {"wasserstein": 1, "hinge": 4, "non-saturating": 5}
RANDOM_TIMES = 12


def places(points):
    """Number of one point for each place: stage, action and file, in the middle of the times it is passed."""
    found = {}
    for number, stage, action, name in points:
        found.setdefault((stage, action, re.sub(r"\d+", "N", name)), []).append(number)
    return [numbers[len(numbers) // 2] for numbers in found.values()]


def test_places_cover_every_kind_of_write(straight):
    """Breaks if a write of the run no longer passes through the points, so that nothing is tried there."""
    for loss in SHARE:
        _, points = straight[loss]
        kinds = {(stage, action, re.sub(r"\d+", "N", name)) for _, stage, action, name in points}
        for name in ("data.json", "environment.json", "config.json", "status.json", "selection.csv", "latest", "best"):
            assert {(stage, "move", name) for stage in ("before", "inside", "after")} <= kinds
            assert {(s, "write", f".{name}.partial-N") for s in ("before", "inside", "after")} <= kinds
        for action, name in (("write", "manifest.json"), ("move", "N"), ("remove", "N"), ("append", "history.csv")):
            assert {(stage, action, name) for stage in ("before", "inside", "after")} <= kinds
        assert {("before", "state", ".partial-N"), ("after", "state", ".partial-N")} <= kinds


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("loss", SHARE)
def test_killed_at_a_point(nurseries, command, straight, outcome, count, tmp_path, loss):
    """Breaks if some moment leaves a run that does not continue, or continues to other weights or tables."""
    expected, points = straight[loss]
    chosen = places(points)[:: SHARE[loss]]

    def case(nursery, number):
        run = tmp_path / str(number)
        code, messages = nursery.run(*command(loss, run), CALOSIM_FAULT=f"SIGKILL:{number}")
        if code != -signal.SIGKILL:
            return number, f"ended with {code} before it was killed: {messages}"
        code, messages = nursery.run(*command(loss, run))
        found = None if code else outcome(run)
        shutil.rmtree(run)
        return number, None if found == expected else f"{code}: {messages}\n{found}\n{expected}"

    results = nurseries.each(case, chosen)
    count(f"kill -9 points, {loss}", f"{len(chosen)} of {len(points)}, all resumed with bit-equal weights")
    bad = [(points[number - 1], fault) for number, fault in results if fault]
    assert not bad, bad
    assert len(results) == len(chosen) >= 10


@pytest.mark.timeout(900)
def test_killed_at_random_times(nurseries, command, straight, outcome, count, tmp_path):
    """Breaks if a moment between the points (inside TensorFlow's writes, while a graph is built) is not safe."""
    expected, _ = straight["wasserstein"]
    with nurseries.one() as nursery:
        start = time.monotonic()
        nursery.run(*command("wasserstein", tmp_path / "timed"))
        duration = time.monotonic() - start
    delays = np.random.default_rng(7).uniform(0.05, 1.0, RANDOM_TIMES) * duration

    def case(nursery, item):
        number, delay = item
        run = tmp_path / str(number)
        child = nursery.start(*command("wasserstein", run))
        time.sleep(delay)
        child.signal(signal.SIGKILL)
        killed = child.wait() == -signal.SIGKILL
        code, messages = nursery.run(*command("wasserstein", run))
        found = None if code else outcome(run)
        return killed, None if found == expected else f"after {delay:.2f} s: {code}: {messages}\n{found}"

    results = nurseries.each(case, list(enumerate(delays)))
    killed = sum(was_killed for was_killed, _ in results)
    count("kill -9 at random times", f"{killed} of {RANDOM_TIMES} before the run had ended, all resumed bit-equal")
    assert not [fault for _, fault in results if fault], results
    assert killed >= RANDOM_TIMES // 3


@pytest.mark.timeout(600)
def test_killed_again_and_again(nurseries, command, straight, outcome, count, tmp_path):
    """Breaks if what one killed process leaves stops the next, or adds up."""
    expected, _ = straight["wasserstein"]
    run = tmp_path / "run"
    with nurseries.one() as nursery:
        for deaths in count_up():
            code, messages = nursery.run(*command("wasserstein", run), CALOSIM_FAULT="SIGKILL:41")
            if code == 0:
                break
            assert code == -signal.SIGKILL, messages
            assert deaths < 20
    count("deaths of one run", f"{deaths}, then finished bit-equal")
    assert deaths >= 3
    assert outcome(run) == expected


@pytest.mark.timeout(600)
def test_the_installed_command_is_killed(calosim_process, calosim, command, straight, outcome, count, tmp_path):
    """The same through a process that starts from nothing, killed while it trains."""
    expected, _ = straight["wasserstein"]
    kills = 0
    for number, mark in enumerate(("config.json", "checkpoints/latest", "selection.csv")):
        run = tmp_path / str(number)
        process = calosim_process(*command("wasserstein", run))
        while not (run / mark).exists() and process.poll() is None:
            time.sleep(0.005)
        process.kill()
        kills += process.wait() == -signal.SIGKILL
        again = calosim(*command("wasserstein", run))
        assert again.returncode == 0, again.stderr
        assert outcome(run) == expected
    count("kill -9 of `python -m calosim_tf train`", f"{kills}, all resumed bit-equal")
    assert kills >= 2
