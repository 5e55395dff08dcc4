"""What the machine is and can do: matrix products and copies, measured with the threads of the benchmark."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from calosim_tf.benchmark.clocks import repeated

# Two float32 matrices and their product take 50 MB: large enough for the full rate, 17 billion operations
MATRIX_SIZE = 2048
ONE_EACH = "onnxruntime, one per thread"
PACKAGES = ("numpy", "tensorflow", "onnxruntime", "ai-edge-litert", "h5py")


def description(threads: int) -> dict[str, Any]:
    """CPU, cores, threads and versions, for the record beside the numbers."""
    versions = {}
    for name in PACKAGES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return {
        "cpu": _cpu_model(),
        "cores": len(os.sched_getaffinity(0)),
        "threads": threads,
        "load_average": os.getloadavg()[0],
        "platform": platform.platform(),
        "python": platform.python_version(),
        "packages": versions,
    }


def matrix_products(threads: int) -> dict[str, Callable[[], float]]:
    """Library -> clock of a float32 matrix product of :data:`MATRIX_SIZE`, seconds.

    Several, because no single one is the machine's own: numpy's OpenBLAS takes kernels of 1999 on processors that it
    does not know.  ONNX Runtime counts where its extra is installed, with a product shared out over the threads and
    with one product for each thread; TensorFlow counts where it is loaded anyway.
    """
    clocks = {name: repeated(call, warm_up=1) for name, call in matrix_calls(threads).items()}
    if ONE_EACH in clocks:
        all_of_them = clocks[ONE_EACH]
        clocks[ONE_EACH] = lambda: all_of_them() / threads
    return clocks


def matrix_calls(threads: int) -> dict[str, Callable[[], object]]:
    """Library -> a call that makes the product, or with :data:`ONE_EACH` as many as threads."""
    matrix = np.random.default_rng(0).random((MATRIX_SIZE, MATRIX_SIZE), dtype=np.float32)
    product = np.empty_like(matrix)
    calls: dict[str, Callable[[], object]] = {"numpy": lambda: np.dot(matrix, matrix, out=product)}
    model = _onnx_product()
    if model is not None:
        together = _session(model, threads)
        calls["onnxruntime"] = lambda: together.run(None, {"a": matrix})
        if threads > 1:
            alone, pool = _session(model, 1), ThreadPoolExecutor(threads)
            calls[ONE_EACH] = lambda: list(pool.map(lambda _: alone.run(None, {"a": matrix}), range(threads)))
    tensorflow = sys.modules.get("tensorflow")
    if tensorflow is not None:
        tensor = tensorflow.constant(matrix)
        calls["tensorflow"] = lambda: tensorflow.linalg.matmul(tensor, tensor).numpy()
    return calls


def matrix_flops() -> float:
    """Operations of one of the products, a multiplication and an addition each counting as one."""
    return 2.0 * MATRIX_SIZE**3


def copy_clock(n_bytes: int, threads: int) -> Callable[[], float]:
    """Clock of copies, shared out over the threads, that read and write ``n_bytes`` together; seconds.

    Copies of few bytes stay in the caches, as the weights of a small network do; so the bandwidth belongs to the size.
    """
    n = max(threads, n_bytes // 8)
    source, target = np.ones(n, np.float32), np.zeros(n, np.float32)
    if n_bytes < 2**20 or threads == 1:
        return repeated(lambda: np.copyto(target, source))
    pairs = list(zip(np.array_split(target, threads), np.array_split(source, threads), strict=True))
    pool = ThreadPoolExecutor(threads)

    def call() -> None:
        for _ in pool.map(lambda pair: np.copyto(*pair), pairs):
            pass

    return repeated(call)


def _onnx_product() -> bytes | None:
    """ONNX model of the product; None without the extra."""
    try:
        import onnx
        import onnxruntime  # noqa: F401 - checks that it is installed
    except ImportError:
        return None
    shape = [MATRIX_SIZE, MATRIX_SIZE]
    a, c = (onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape) for name in "ac")
    b = onnx.numpy_helper.from_array(np.random.default_rng(1).random(shape, dtype=np.float32), "b")
    graph = onnx.helper.make_graph([onnx.helper.make_node("MatMul", ["a", "b"], ["c"])], "product", [a], [c], [b])
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=8)
    return model.SerializeToString()


def _session(model: bytes, threads: int):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def _cpu_model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or "unknown"
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), "unknown")
