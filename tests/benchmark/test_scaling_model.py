"""The model of many workers, by hand, and the sums that it counts."""

import json

import pytest

from calosim_tf.benchmark.scaling_model import Network, Training

GIGABIT = Network(bandwidth=1e9, latency=1e-3)


@pytest.mark.parametrize(
    ("workers", "seconds"),
    [
        (1, 0.0),
        # the whole of 125 MB at 125 MB/s, in two rounds
        (2, 1.002),
        # 3/2 of it, in six
        (4, 1.506),
    ],
)
def test_a_sum_over_a_ring(workers, seconds):
    """Breaks when bits are bytes, a round is forgotten, or latency does not grow with the ring."""
    assert GIGABIT.sum_seconds(125_000_000, workers) == pytest.approx(seconds)


def test_training_on_two_workers():
    """By hand: 1.002 s and 0.002 s of sums; breaks when a sum is counted once for all, or the batch is forgotten."""
    training = Training(2.0, [125_000_000, 4], iterations=3600, start_up=36.0)
    per_worker, shared = training.predict(GIGABIT, 2)
    assert (per_worker["fixed"], shared["fixed"]) == ("per_worker", "global")
    assert per_worker["exchange_seconds"] == pytest.approx(1.004)
    assert per_worker["seconds_per_iteration"] == pytest.approx(3.004)
    assert per_worker["efficiency"] == pytest.approx(2.0 / 3.004)
    # half of the iterations, for twice the batch
    assert per_worker["hours"] == pytest.approx((36.0 + 1800 * 3.004) / 3600)
    assert shared["seconds_per_iteration"] == pytest.approx(2.004)
    assert shared["efficiency"] == pytest.approx(1.0 / 2.004)
    assert shared["hours"] == pytest.approx(0.01 + 2.004)
    assert shared["worker_hours"] == pytest.approx(2 * (0.01 + 2.004))


def test_one_worker_has_no_exchange():
    """Breaks when one worker waits for itself."""
    for row in Training(2.0, [125_000_000], iterations=1800).predict(GIGABIT, 1):
        assert (row["exchange_seconds"], row["efficiency"], row["hours"]) == (0.0, 1.0, 1.0)


def test_a_fleet_comes_in_waves():
    """Breaks when a last wave that is not full is forgotten, or idle slots are counted as work."""
    training = Training(1.0, [], iterations=3564, start_up=36.0)
    assert training.fleet(members=300, slots=50) == {
        "members": 300, "slots": 50, "waves": 6, "hours": 6.0, "slot_hours": 300.0,
    }  # fmt: skip
    assert training.fleet(members=301, slots=50)["hours"] == 7.0
    assert training.fleet(members=300, slots=1000)["slot_hours"] == 300.0


@pytest.mark.slow
def test_sums_of_an_iteration_are_counted(calosim):
    """Breaks when the schedule, a gradient, or a layer that needs the whole batch (and its gradient) is left out."""
    words = ("bench", "scaling", "photon", "--predict", "2", "--seconds-per-iteration", "1", "--json")
    photon = json.loads(calosim(*words).stdout)
    # eight critics and a generator of float32 (parameters as `calosim info photon` counts them), and six means
    assert sorted(photon["exchanged_bytes"]) == sorted([*[4 * 408_113] * 8, 4 * 260_504, 24])
    assert photon["measured"] is False
    assert photon["rows"][0]["exchange_seconds"] == pytest.approx(sum(photon["exchanged_bytes"]) * 8e-9 + 10 * 2e-3)
    clic = json.loads(calosim(*[{"photon": "conv3d_smoke"}.get(word, word) for word in words]).stdout)
    # two updates of each network, and the sums of the synchronised batch normalisation, forwards and backwards
    assert len(clic["exchanged_bytes"]) == 37
    assert sorted(clic["exchanged_bytes"])[-4:] == [4 * 73_402] * 2 + [4 * 752_904] * 2
