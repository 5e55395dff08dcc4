"""What this installation and this machine can do, a line per finding (TensorFlow is imported last, and only once)."""

from __future__ import annotations

import os
import platform
import shutil
import socket
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from calosim_tf import __version__
from calosim_tf.data.memory import memory_bytes
from calosim_tf.surroundings import home_folder, shut_out_here

GIB = 2**30
# A run of the larger networks with its kept checkpoints
LOW_SPACE_GIB = 2.0
# Below this, the data are streamed and large networks do not fit
LOW_MEMORY_GIB = 4.0

PYTHONS = ((3, 11), (3, 12), (3, 13))
# Which of the two sets of packages (setup.cfg) this Python takes
KERAS_3 = sys.version_info[:2] != (3, 11)
PACKAGES = (
    *("tensorflow", "keras", "numpy", "h5py", "pandas", "scipy", "matplotlib", "PyYAML"),
    *("protobuf", "ml-dtypes", "setuptools"),
    *(() if KERAS_3 else ("tensorflow-addons", "wrapt", "typeguard")),
)
CONSTRAINTS = "constraints-keras3.txt" if KERAS_3 else "constraints.txt"
THREAD_VARIABLES = ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")
EXTRAS = ("horovod", "tf2onnx", "onnx", "onnxruntime", "scikit-learn", "threadpoolctl", "scikit-image", "prdc")
# (package, first version that is too new, what breaks), on Python 3.11 and after it
TOO_NEW_KERAS_2 = (
    ("tensorflow", (2, 16), "tensorflow-addons and the networks need Keras 2"),
    ("keras", (2, 16), "tensorflow 2.15 needs Keras 2.15"),
    ("numpy", (2,), "tensorflow 2.15 is built against numpy 1 and ends at import"),
    ("protobuf", (5,), "tensorflow 2.15 was generated with protobuf 4"),
    ("wrapt", (1, 15), "tensorflow 2.15 refuses it"),
    ("ml-dtypes", (0, 4), "tensorflow 2.15 was built with 0.3"),
    ("typeguard", (3,), "tensorflow-addons uses the interface of typeguard 2"),
    ("setuptools", (81,), "tensorboard 2.15 imports pkg_resources, which is gone"),
    ("onnx", (1, 17), "it needs a newer protobuf or ml-dtypes than tensorflow 2.15 takes"),
)
TOO_NEW_KERAS_3 = (
    ("tensorflow", (2, 22), "the networks were tested on 2.21"),
    ("keras", (4,), "the networks were tested on Keras 3"),
    ("setuptools", (81,), "tensorboard imports pkg_resources, which is gone"),
)
TOO_NEW = TOO_NEW_KERAS_3 if KERAS_3 else TOO_NEW_KERAS_2
# (package, oldest version that works, what breaks), likewise
TOO_OLD_KERAS_2 = (
    ("tensorflow", (2, 15, 1), "the networks were tested on 2.15.1"),
    ("h5py", (3, 10), "files with a broken end are not told from whole ones"),
    ("protobuf", (4, 25), "tensorflow 2.15 was generated with protobuf 4"),
    ("tf2onnx", (1, 17), "1.16 forces protobuf 3"),
)
TOO_OLD_KERAS_3 = (
    ("tensorflow", (2, 21), "the networks were tested on 2.21"),
    ("keras", (3, 12), "tensorflow 2.21 needs it"),
    ("h5py", (3, 10), "files with a broken end are not told from whole ones"),
    ("tf2onnx", (1, 17), "1.16 forces protobuf 3"),
)
TOO_OLD = TOO_OLD_KERAS_3 if KERAS_3 else TOO_OLD_KERAS_2


@dataclass(frozen=True)
class Finding:
    """One line.

    Attributes
    ----------
    state : {'ok', 'note', 'fault'}
        A fault will make some command fail; a note says what is missing or slow.
    what : str
    text : str
    """

    state: str
    what: str
    text: str


def findings() -> Iterator[Finding]:
    """All of them, quick ones first."""
    yield _python()
    yield from _packages()
    yield from _combinations()
    yield from _machine()
    yield from _folders()
    yield from (Finding("note", "surroundings", text) for text in shut_out_here())
    yield from _tensorflow()


def _python() -> Finding:
    text = f"calosim_tf {__version__}, Python {platform.python_version()} ({sys.executable}), {platform.platform()}"
    if sys.version_info[:2] not in PYTHONS:
        return Finding("fault", "python", f"{text}: expected Python 3.11, 3.12 or 3.13")
    return Finding("ok", "python", text)


def _packages() -> Iterator[Finding]:
    for name in PACKAGES:
        version = _version(name)
        if version is None:
            yield Finding("fault", name, f"is not installed: pip install -c {CONSTRAINTS} calosim-tf")
        else:
            yield Finding("ok", name, version)
    present = [f"{name} {version}" for name in EXTRAS if (version := _version(name))]
    missing = [name for name in EXTRAS if _version(name) is None]
    yield Finding("ok", "extras", ", ".join(present) or "none")
    if missing:
        yield Finding("note", "extras", f"not installed, needed for some commands only: {', '.join(missing)}")


def _combinations() -> Iterator[Finding]:
    bad = []
    for name, limit, why in TOO_NEW:
        version = _version(name)
        if version and _numbers(version) >= limit:
            bad.append(Finding("fault", name, f"{version}: expected below {_dotted(limit)}: {why}"))
    for name, limit, why in TOO_OLD:
        version = _version(name)
        if version and _numbers(version) < limit:
            bad.append(Finding("fault", name, f"{version}: expected {_dotted(limit)} or later: {why}"))
    yield from bad or [Finding("ok", "combination", "no two packages are known to break each other")]


def _machine() -> Iterator[Finding]:
    usable, installed = len(os.sched_getaffinity(0)), os.cpu_count()
    settings = [f"{name}={os.environ[name]}" for name in THREAD_VARIABLES if name in os.environ]
    threads = f"{usable} of {installed} CPU cores usable, as many threads unless run.threads says otherwise"
    yield Finding("ok", "threads", "; ".join([threads, *settings]))
    memory = memory_bytes() / GIB
    state = "note" if memory < LOW_MEMORY_GIB else "ok"
    yield Finding(
        state, "memory", f"{memory:.1f} GiB on {socket.gethostname()}, {memory / 4:.1f} GiB of it for showers"
    )


def _folders() -> Iterator[Finding]:
    from calosim_tf.data_prep.sources import data_folder

    try:
        temporary: Path | None = Path(tempfile.gettempdir())
    except OSError as error:
        temporary = None
        yield Finding("fault", "temporary files", f"{error.strerror}: set TMPDIR to a folder that may be written to")
    places = {"working folder": Path.cwd(), "data folder": data_folder(), "temporary files": temporary}
    if home_folder() is None:
        text = "none: HOME is not set and the user has no name; set HOME, or CALOSIM_DATA for data that are kept"
        yield Finding("note", "home folder", text)
    for name, folder in places.items():
        if folder is not None:
            yield _folder(name, folder)


def _folder(name: str, folder: Path) -> Finding:
    there = folder
    while not there.exists():
        there = there.parent
    try:
        with tempfile.NamedTemporaryFile(dir=there, prefix=".calosim-"):
            pass
        free = shutil.disk_usage(there).free / GIB
    except OSError as error:
        return Finding("fault", name, f"{folder}: cannot be written ({(error.strerror or str(error)).lower()})")
    text = f"{folder}: {'can be written' if there == folder else 'can be made'}, {free:.1f} GiB free"
    return Finding("note" if free < LOW_SPACE_GIB else "ok", name, text)


def _tensorflow() -> Iterator[Finding]:
    if _version("tensorflow") is None:
        return
    try:
        import tensorflow as tf

        devices = [
            f"{device.device_type} {device.name.rsplit(':', 1)[-1]}" for device in tf.config.list_logical_devices()
        ]
        built = "with" if tf.test.is_built_with_cuda() else "without"
    except Exception as error:  # whatever a broken installation raises is the finding
        yield Finding("fault", "tensorflow", f"cannot be imported ({type(error).__name__}: {error})")
        return
    yield Finding("ok", "devices", f"{', '.join(devices)}; tensorflow was built {built} CUDA")


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _numbers(version: str) -> tuple[int, ...]:
    """``(2, 15, 1)`` from ``2.15.1rc0+cpu``."""
    numbers = []
    for part in version.split("+")[0].split("."):
        digits = part[: len(part) - len(part.lstrip("0123456789"))]
        if not digits:
            break
        numbers.append(int(digits))
        if digits != part:
            break
    return tuple(numbers)


def _dotted(limit: tuple[int, ...]) -> str:
    return ".".join(map(str, limit))
