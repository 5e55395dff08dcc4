"""Strategies by name, connected to the other processes."""

from __future__ import annotations

from calosim_tf.errors import ConfigError
from calosim_tf.training.strategies.strategy import Strategy


def connect(name: str, *, fp16: bool = False) -> Strategy:
    """The strategy of that name, connected to the other processes; before the first tensor is made.

    Parameters
    ----------
    name : {'none', 'mirrored', 'multiworker', 'horovod'}
    fp16 : bool
        Send gradients in 16 bits (Horovod).

    Raises
    ------
    ConfigError
        A requirement of the strategy is missing.
    """
    if fp16 and name != "horovod":
        raise ConfigError(f"--fp16-gradients: found with --strategy {name}, expected --strategy horovod")
    if name == "mirrored":
        from calosim_tf.training.strategies.tf_distribute import Mirrored

        return Mirrored()
    if name == "multiworker":
        from calosim_tf.training.strategies.tf_distribute import MultiWorker

        return MultiWorker()
    if name == "horovod":
        from calosim_tf.training.strategies.horovod import Horovod

        return Horovod(fp16)
    return Strategy()
