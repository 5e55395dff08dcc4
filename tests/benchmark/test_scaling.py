"""Efficiency of several workers, and the processes that it is measured with."""

import json
from typing import ClassVar

import pytest

from calosim_tf.benchmark import scaling, worker_group
from calosim_tf.benchmark.worker_group import WorkerGroup
from calosim_tf.errors import BenchmarkError, ConfigError

TINY = {
    "network.latent.size": "4",
    "network.generator_units": "6,5",
    "network.critic_units": "7,6",
    "training.batch_size": "8",
    "training.critic_steps": "1",
}


class StubGroup:
    """Answers with seconds by (workers, batch, way), slower by a factor in every round; records the requests."""

    SECONDS: ClassVar[dict] = {
        (1, 8): {"real_input": 1.0, "constant_input": 0.9, "no_exchange": 0.9},
        (2, 16): {"real_input": 1.25, "constant_input": 1.0, "no_exchange": 0.8},
        (2, 8): {"real_input": 0.8, "constant_input": 0.8, "no_exchange": 0.4},
    }
    asked: ClassVar[list] = []

    def __init__(self, engine, number, arguments):
        assert engine == ("none" if number == 1 else "horovod")
        self.cores, self.key = number, (number, int(json.loads(arguments[1])["training.batch_size"]))

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        pass

    def seconds(self, way, first_core):
        self.asked.append((*self.key, way, first_core))
        rounds = sum(item[:3] == (*self.key, way) for item in self.asked)
        return self.SECONDS[self.key][way] * 2.0**rounds


def test_efficiencies_compare_readings_of_the_same_round(monkeypatch):
    """By hand; breaks when the batch is forgotten, rounds are mixed, or one worker keeps to one core."""
    monkeypatch.setattr(scaling, "WorkerGroup", StubGroup)
    monkeypatch.setattr(StubGroup, "asked", [])
    rows = scaling.bench_scaling("photon", {"run.seed": "3"}, 8, [1, 2], "horovod", rounds=3, steps=1)
    assert [(row["fixed"], row["workers"], row["global_batch"]) for row in rows] == [
        ("per_worker", 1, 8), ("per_worker", 2, 16), ("global", 1, 8), ("global", 2, 8),
    ]  # fmt: skip
    for row, expected in zip(rows, [1.0, 1.0 / 1.25, 1.0, 1.0 / 0.8 / 2], strict=True):
        assert row["efficiency"] == pytest.approx(dict.fromkeys(("median", "min", "max"), expected))
    assert rows[1]["seconds_per_iteration"] == pytest.approx({"median": 5.0, "min": 2.5, "max": 10.0})
    assert rows[1]["input_share"]["median"] == pytest.approx(0.2)
    assert rows[1]["reduction_share"]["median"] == pytest.approx(0.2)
    assert rows[3]["reduction_share"]["median"] == pytest.approx(0.5)
    cores = {number: [item[3] for item in StubGroup.asked if item[0] == number] for number in (1, 2)}
    assert cores == {1: [0] * 3 + [1] * 3 + [0] * 3, 2: [0] * 18}


@pytest.mark.slow
def test_two_processes_answer_together():
    """Breaks when workers do not find each other, have no distinct ranks, or do not end with the group."""
    with WorkerGroup("multiworker", 2, ["photon", json.dumps(TINY), "1"]) as group:
        assert all(0.0 < group.seconds(way) < 60.0 for way in scaling.WAYS)
        processes = list(group._processes)
    assert [process.returncode for process in processes] == [0, 0]


@pytest.mark.slow
def test_a_worker_that_fails_says_why():
    """Breaks when a dead worker is waited for, or its last output is lost."""
    with pytest.raises(BenchmarkError, match=r"bench scaling: a worker ended with 1: .*no_such_experiment"):
        WorkerGroup("none", 1, ["no_such_experiment", "{}", "1"])


def test_horovod_that_is_not_there_is_said(monkeypatch, tmp_path):
    """Breaks when the message does not say how to install it, or a missing launcher is started."""
    monkeypatch.setattr(worker_group, "_horovodrun", lambda: tmp_path / "horovodrun")
    worker_group.transport_of.cache_clear()
    with pytest.raises(ConfigError, match=r"--engine horovod: found no .*horovodrun, .*make install-horovod"):
        worker_group.transport_of("horovod")
