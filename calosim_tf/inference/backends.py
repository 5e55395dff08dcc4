"""Back ends and precisions by name, and the format of a bundle that each takes."""

from __future__ import annotations

from calosim_tf.errors import ConfigError

# (back end, precision) -> format of a bundle
FORMAT_OF = {
    ("tf", "float32"): "saved_model",
    ("xla", "float32"): "saved_model",
    ("onnx", "float32"): "onnx",
    ("tflite", "float32"): "tflite",
    ("tflite", "float16"): "tflite_fp16",
    ("tflite", "dynamic"): "tflite_dynamic",
    ("tflite", "int8"): "tflite_int8",
    ("tflite", "int16x8"): "tflite_int16x8",
}
BACKENDS = tuple(dict.fromkeys(backend for backend, _ in FORMAT_OF))
PRECISIONS = tuple(dict.fromkeys(precision for _, precision in FORMAT_OF))
WITH_TENSORFLOW = ("tf", "xla")


def format_of(backend: str, precision: str) -> str:
    """Format of a bundle that a back end runs in a precision; :class:`ConfigError` when there is none."""
    if (backend, precision) not in FORMAT_OF:
        known = ", ".join(item for name, item in FORMAT_OF if name == backend)
        raise ConfigError(f"--precision: found {precision!r} with back end {backend}, expected {known}")
    return FORMAT_OF[backend, precision]
