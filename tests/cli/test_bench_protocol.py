"""``calosim bench generate --protocol rehm``: what is timed and what it is compared with; no figure is asserted."""

import json

import pytest

from calosim_tf.benchmark.protocol import InferenceProtocol, bench_protocol


def test_steps_are_taken_in_turn_after_all_are_warm():
    """Breaks when a network is timed cold, steps hold another number of batches, or networks are not in turn."""
    order = []
    calls = {name: (lambda name=name: order.append(name)) for name in "ab"}
    readings = bench_protocol(calls, InferenceProtocol(batch=4, steps=2, batches_per_step=3, warm_up_batches=2))
    assert "".join(order) == "aabb" + 2 * "aaabbb"
    assert {name: len(values) for name, values in readings.items()} == {"a": 2, "b": 2}
    assert InferenceProtocol().showers_per_step == 2560


@pytest.fixture(scope="module")
def timed(calosim):
    command = ("bench", "generate", "conv3d", "conv2d_g1", "--protocol", "rehm", "--batch", 1, "--steps", 1)
    return calosim(*command, "--backend", "tf", "--json")


def test_rows_hold_counts_and_ratios(timed):
    """Breaks when a ratio is inverted, the published one is not of the paper's seconds, or counts are wrong."""
    assert timed.returncode == 0, timed.stderr
    result = json.loads(timed.stdout)
    assert result["shortened"]
    baseline, g1 = result["rows"]
    assert (baseline["params_total"], baseline["conv_layers"]) == (752_980, 4)
    assert (g1["params_total"], g1["conv_layers"]) == (2_055_324, 28)
    assert g1["weights"] == "freshly initialised"
    assert baseline["speed_up"]["median"] == 1.0
    seconds = [row["seconds_per_2560"]["median"] for row in (baseline, g1)]
    assert g1["speed_up"]["median"] == pytest.approx(seconds[0] / seconds[1])
    # 2560 showers of so many multiplications and additions, over the rate of the same run
    least = 2560 * 2 * g1["multiply_adds"] / result["matrix_gflop_per_s"]["median"] / 1e9
    assert g1["matrix_share"]["median"] == pytest.approx(least / seconds[1], rel=1e-6)
    assert g1["published_speed_up"] == pytest.approx(7.00 / 4.91)


WRONG = {
    "backend": (["conv3d", "--protocol", "rehm", "--backend", "lite"], "--backend: found 'lite'"),
    "name": (["conv3", "--protocol", "rehm"], "experiment 'conv3' is unknown: did you mean"),
    "batches": (["conv3d", "--protocol", "rehm", "--batch", "1,2"], "--batch: found '1,2'"),
    "several": (["conv3d", "conv2d_g1"], "found 2 names, expected one, or --protocol"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_request_is_one_line(calosim, without_tensorflow, case):
    """Breaks when it is found after TensorFlow has been loaded, or ends in a traceback."""
    arguments, words = WRONG[case]
    process = calosim("bench", "generate", *arguments, **without_tensorflow)
    assert process.returncode == 2
    assert process.stderr.count("\n") == 1, process.stderr
    assert words in process.stderr
