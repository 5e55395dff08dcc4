"""Threads of this process; called by commands, never on import."""

from __future__ import annotations

import tensorflow as tf


def set_threads(threads: int) -> None:
    """Use ``threads`` threads inside an operation and as many for independent ones; 0 leaves TensorFlow's choice.

    Must be called before the first tensor is made.
    """
    if threads > 0:
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(threads)


def threads_in_use() -> int:
    """Threads inside one operation; what TensorFlow takes by default is one per usable core."""
    import os

    return tf.config.threading.get_intra_op_parallelism_threads() or len(os.sched_getaffinity(0))
