"""Threads and devices of this process; called by commands, never on import."""

from __future__ import annotations

import os

import tensorflow as tf

from calosim_tf.errors import ConfigError

VIRTUAL_DEVICES = "CALOSIM_VIRTUAL_DEVICES"


def set_threads(threads: int) -> None:
    """Use ``threads`` threads inside an operation and as many for independent ones; 0 leaves TensorFlow's choice.

    Must be called before the first tensor is made.
    """
    if threads > 0:
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(threads)


def threads_in_use() -> int:
    """Threads inside one operation; what TensorFlow takes by default is one per usable core."""
    return tf.config.threading.get_intra_op_parallelism_threads() or len(os.sched_getaffinity(0))


def split_cpu() -> None:
    """Make the CPU as many devices as the environment variable CALOSIM_VIRTUAL_DEVICES says; before the first tensor.

    Raises
    ------
    ConfigError
        The variable is not a number of devices.
    """
    text = os.environ.get(VIRTUAL_DEVICES)
    if text is None:
        return
    if not text.isdigit() or int(text) < 1:
        raise ConfigError(f"{VIRTUAL_DEVICES}: found {text!r}, expected a number of devices")
    (cpu,) = tf.config.list_physical_devices("CPU")
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * int(text))


def pin_gpu(local_rank: int) -> None:
    """Restrict this process to one GPU, that of its rank on this machine; untested, for lack of a GPU."""
    gpus = tf.config.list_physical_devices("GPU")
    if gpus:
        own = gpus[local_rank % len(gpus)]
        tf.config.set_visible_devices(own, "GPU")
        tf.config.experimental.set_memory_growth(own, True)
