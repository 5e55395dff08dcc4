"""Work of a network, the roofline and the clocks, against numbers calculated by hand."""

import numpy as np
import pytest
import tensorflow as tf

from calosim_tf.benchmark.clocks import in_turn, repeated
from calosim_tf.benchmark.generation import TimedGenerator, Way, bench_networks
from calosim_tf.benchmark.machine import copy_clock, matrix_flops
from calosim_tf.benchmark.roofline import NetworkCost, least_seconds
from calosim_tf.experiments import get_experiment
from calosim_tf.export.cost import multiply_adds
from calosim_tf.export.parts import raw_function
from calosim_tf.training.build import build_generator

PHOTON = NetworkCost(multiply_adds=257_300, parameters=262_000, values=101 + 368)


def graph_of(function, *shapes) -> tf.Graph:
    return tf.function(function).get_concrete_function(*(tf.TensorSpec(shape) for shape in shapes)).graph


def test_work_of_the_photon_generator():
    """101 x 100 + 100 x 200 + 200 x 400 + 400 x 368; breaks when a layer is left out or counted twice."""
    network = build_generator(get_experiment("photon"))
    assert multiply_adds(raw_function(network, batch=1).graph) == 10_100 + 20_000 + 80_000 + 147_200


@pytest.mark.parametrize(
    ("function", "shapes", "expected"),
    [
        # 6 x 5 output cells (valid), each 3 x 2 x 4 numbers, 7 channels
        (lambda x, k: tf.nn.conv2d(x, k, 1, "VALID"), [(1, 8, 6, 4), (3, 2, 4, 7)], 6 * 5 * 3 * 2 * 4 * 7),
        (lambda x, k: tf.nn.conv3d(x, k, [1] * 5, "SAME"), [(1, 4, 5, 6, 2), (3, 3, 3, 2, 8)], 120 * 27 * 2 * 8),
        # each of 4 x 4 input cells of 5 channels meets a window of 3 x 3 cells of 2 channels
        (
            lambda x, k: tf.nn.conv2d_transpose(x, k, (1, 8, 8, 2), 2, "SAME"),
            [(1, 4, 4, 5), (3, 3, 2, 5)],
            16 * 5 * 9 * 2,
        ),
        (lambda a, b: tf.einsum("bij,bjk->bik", a, b), [(2, 3, 4), (2, 4, 5)], 2 * 3 * 4 * 5),
        (lambda a, b: tf.matmul(a, b, transpose_a=True), [(4, 3), (4, 5)], 3 * 4 * 5),
        (lambda a, b: tf.matmul(a, b), [(2, 3, 4), (2, 4, 5)], 2 * 3 * 4 * 5),
        # seven products in a loop, as a flow draws feature by feature
        (
            lambda a, b: tf.while_loop(
                lambda i, _: i < 7, lambda i, x: (i + 1, tf.matmul(x, b)), (0, a), maximum_iterations=7
            )[1],
            [(2, 3), (3, 3)],
            7 * 2 * 3 * 3,
        ),
    ],
)
def test_work_of_operations(function, shapes, expected):
    assert multiply_adds(graph_of(function, *shapes)) == expected


def test_the_roofline_is_the_longer_of_computing_and_moving():
    """Breaks when an operation counts as two, weights are moved per shower, or the shorter time is taken."""
    # 2 x 257 300 operations at 514.6 GFLOP/s are 1 us; (262 000 + 469) x 4 bytes at 1.049876 GB/s are 1 ms
    assert least_seconds(PHOTON, 1, "float32", 514.6e9, 1.049876e9) == pytest.approx(1e-3)
    assert least_seconds(PHOTON, 10_000, "float32", 514.6e9, 1e12) == pytest.approx(1e-2)
    assert PHOTON.call_bytes(2, "int8") == 262_000 + 2 * 469 * 4


def test_a_split_costs_the_mean_of_its_networks():
    mean = NetworkCost.mean([PHOTON, NetworkCost(0.0, 0.0, 1.0)])
    assert (mean.multiply_adds, mean.parameters, mean.values) == (128_650, 131_000, 235)


def test_a_copy_counts_what_is_read_and_written():
    """Breaks when the clock copies half or twice the requested bytes."""
    small, large = copy_clock(2**22, 2)(), copy_clock(2**27, 2)()
    assert large > 8 * small  # 32 times as much, less what caches do


def test_readings_are_taken_in_turn():
    order = []
    found = in_turn({name: (lambda name=name: order.append(name) or 1.0) for name in "ab"}, 3)
    assert "".join(order) == "ababab"
    assert found == {"a": [1.0] * 3, "b": [1.0] * 3}
    assert repeated(lambda: order.append("c"))() > 0.0


def test_shares_are_those_of_the_readings(monkeypatch):
    """Breaks when a share is over another round's rate, or showers and calls are mixed up."""
    seconds = {"fast": 0.02, "slow": 0.04, "matrix product": matrix_flops() / 1e12, "copy": 1.0}
    monkeypatch.setattr(
        "calosim_tf.benchmark.generation.repeated", lambda call: lambda: seconds[call()]
    )  # a call stands for its clock
    monkeypatch.setattr("calosim_tf.benchmark.generation.copy_clock", lambda n, threads: lambda: n / 1e12)
    monkeypatch.setattr("calosim_tf.benchmark.generation.SETTLE_S", 0.0)

    class Sampler:
        def __init__(self, name):
            self.ready_call = lambda batch: lambda: name

    subject = TimedGenerator({Way("onnx", "float32"): Sampler("slow"), Way("tflite", "int8"): Sampler("fast")}, PHOTON)
    result = bench_networks(subject, 10_000, 3, lambda: seconds["matrix product"], 2)
    assert result["best"] == {"any": ("tflite", "int8"), "float32": ("onnx", "float32")}
    slow = result["rows"][0]
    assert slow["network_seconds_per_shower"]["median"] == pytest.approx(4e-6)
    assert slow["gflop_per_s"]["median"] == pytest.approx(2 * 257_300 / 4e-6 / 1e9)
    assert slow["roofline_share"]["median"] == pytest.approx(2 * 257_300 * 10_000 / 1e12 / 0.04)
    assert np.isclose(slow["matrix_share"]["median"], slow["roofline_share"]["median"])
