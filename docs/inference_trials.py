"""What runs the photon generator best on one core: the first table of docs/inference.md.

    python docs/inference_trials.py [ROUNDS]

CPU time of this process, ways in turn, the fastest of the rounds: on a shared machine wall time would be that of the
neighbours.  OpenVINO is tried where it is installed (``pip install openvino``); it is no extra of the package.
"""

from __future__ import annotations

import os

# numpy's BLAS takes these when it is loaded
os.environ["OPENBLAS_NUM_THREADS"] = "1"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import sys
import time
from collections.abc import Callable
from functools import partial

import numpy as np

from calosim_tf.benchmark.machine import matrix_calls, matrix_flops
from calosim_tf.data.bundled import run_path
from calosim_tf.export.fold import folded
from calosim_tf.export.onnx import onnx_model
from calosim_tf.export.tflite import float_model
from calosim_tf.inference.onnx import OnnxEngine
from calosim_tf.inference.tflite import TfliteEngine
from calosim_tf.training.load import load_network
from calosim_tf.training.run_folder import RunFolder

SHOWERS_PER_READING = 2000
MULTIPLY_ADDS = 101 * 100 + 100 * 200 + 200 * 400 + 400 * 368


def inputs(rows: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    return rng.normal(0.5, 0.5, (rows, 100)).astype("f4"), np.full((rows, 1), 0.5, "f4")


def numpy_call(network, rows: int) -> Callable[[], object]:
    """Products into buffers that are there already, swish in place."""
    weights = [[w.numpy() for w in layer.weights] for layer in network.layers if layer.weights]
    first = np.concatenate(inputs(rows), axis=1)
    buffers = [np.empty((2, rows, kernel.shape[1]), "f4") for kernel, _ in weights]

    def call() -> np.ndarray:
        x = first
        for (kernel, bias), (y, gate) in zip(weights, buffers, strict=True):
            np.dot(x, kernel, out=y)
            y += bias
            np.exp(np.negative(y, out=gate), out=gate)
            gate += 1
            x = np.divide(y, gate, out=y)
        return x

    return call


def openvino_calls(model: bytes) -> dict[tuple[str, int], Callable[[], object]]:
    try:
        import openvino
    except ImportError:
        return {}
    core, calls = openvino.Core(), {}
    for precision in ("f32", "bf16"):
        options = {"INFERENCE_PRECISION_HINT": precision, "INFERENCE_NUM_THREADS": 1, "NUM_STREAMS": 1}
        request = core.compile_model(core.read_model(model), "CPU", options).create_infer_request()
        for rows in (1, 512, 1024):
            fed = dict(zip(("latent", "condition"), inputs(rows), strict=True))
            calls[f"OpenVINO {precision}", rows] = partial(request.infer, fed, share_inputs=True, share_outputs=True)
    return calls


def ways() -> dict[tuple[str, int], Callable[[], object]]:
    """(name, showers of a call) -> a call."""
    trained = load_network(RunFolder(run_path("pretrained:photon_calo_shower_gan")))[0].network
    plain = folded(trained)
    models = {"not folded": onnx_model(trained), "folded": onnx_model(plain)}
    calls: dict[tuple[str, int], Callable[[], object]] = {}
    for name, model in models.items():
        session = OnnxEngine(model, (100, 1), (368,)).session
        for rows in (1, 512, 10_000):
            fed = dict(zip(("latent", "condition"), inputs(rows), strict=True))
            calls[f"ONNX Runtime, {name}", rows] = partial(session.run, None, fed)
    bound = OnnxEngine(models["folded"], (100, 1), (368,)).worker
    for rows in (1, 128, 512, 1024):
        calls["ONNX Runtime, folded, bound buffers", rows] = partial(bound(), *inputs(rows))
    for rows in (1, 128, 512):
        worker = TfliteEngine({rows: float_model(plain, rows)}).worker()
        calls["TensorFlow Lite", rows] = partial(worker, *inputs(rows))
    calls["numpy", 256] = numpy_call(plain, 256)
    return calls | openvino_calls(models["folded"])


def main(rounds: int) -> None:
    products = matrix_calls(threads=1)
    calls = {("matrix product", library): call for library, call in products.items()} | ways()
    readings: dict[tuple, list[float]] = {key: [] for key in calls}
    for _ in range(rounds + 1):
        for key, call in calls.items():
            repeats = 1 if isinstance(key[1], str) else 200 if key[1] == 1 else max(1, SHOWERS_PER_READING // key[1])
            start = time.process_time()
            for _ in range(repeats):
                call()
            readings[key].append((time.process_time() - start) / repeats)
    for (name, what), seconds in readings.items():
        best = min(seconds[1:])
        if isinstance(what, str):
            print(f"{name}, {what}: {matrix_flops() / best / 1e9:.0f} GFLOP/s")
            continue
        rate = 2 * MULTIPLY_ADDS * what / best / 1e9
        print(f"{name}, calls of {what}: {rate:.0f} GFLOP/s, {1e6 * best / what:.2f} us per shower")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 8)
