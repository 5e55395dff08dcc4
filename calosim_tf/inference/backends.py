"""Back ends and precisions by name, and the format of a bundle that each takes."""

from __future__ import annotations

from calosim_tf.bundle.formats import FORMATS
from calosim_tf.errors import ConfigError

# numpy runs it, slowly: a last resort, which is neither timed nor offered beside the others
LAST_RESORT = "lwtnn"
# (back end, precision) -> format of a bundle; those of TensorFlow first, then by name
FORMAT_OF = {
    way: item.name
    for way, item in sorted(
        ((way, item) for item in FORMATS.values() for way in item.ways),
        key=lambda pair: (pair[0][0] == LAST_RESORT, pair[1].package != "", pair[0][0]),
    )
}
ALL_BACKENDS = tuple(dict.fromkeys(backend for backend, _ in FORMAT_OF))
BACKENDS = tuple(backend for backend in ALL_BACKENDS if backend != LAST_RESORT)
PRECISIONS = tuple(dict.fromkeys(precision for _, precision in FORMAT_OF))
# What TensorFlow runs the network of a run folder in; no format of a bundle is in bfloat16
RUN_PRECISIONS = ("float32", "bfloat16")
# Back end -> package that it needs and its extra brings
PACKAGES = {
    backend: FORMATS[kind].package
    for (backend, _), kind in FORMAT_OF.items()
    if FORMATS[kind].package and backend in BACKENDS
}
WITH_TENSORFLOW = tuple(backend for backend in BACKENDS if backend not in PACKAGES)


def format_of(backend: str, precision: str) -> str:
    """Format of a bundle that a back end runs in a precision; :class:`ConfigError` when there is none."""
    if (backend, precision) not in FORMAT_OF:
        known = ", ".join(item for name, item in FORMAT_OF if name == backend)
        raise ConfigError(f"--precision: found {precision!r} with back end {backend}, expected {known}")
    return FORMAT_OF[backend, precision]
