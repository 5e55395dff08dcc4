"""Horovod: one process per GPU (or core), started by horovodrun, srun or mpirun.

The only file that imports Horovod.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from types import ModuleType

import tensorflow as tf

from calosim_tf.errors import ConfigError
from calosim_tf.layers.replicas import Replicas
from calosim_tf.training.strategies.devices import pin_gpu
from calosim_tf.training.strategies.strategy import Strategy

# A rank that hangs without dying stops the job after this; the chief's judgement of a checkpoint must fit in
STALL_SHUTDOWN_S = 1800


def _import_horovod() -> ModuleType:
    try:
        import horovod.tensorflow as hvd
    except ImportError as error:
        raise ConfigError(
            f"--strategy horovod: Horovod cannot be imported ({error}): install it with `make install-horovod` (Python "
            "3.11 alone), or use --strategy multiworker"
        ) from error
    return hvd


class HorovodReplicas(Replicas):
    """One replica per process.

    Parameters
    ----------
    hvd : module
    fp16 : bool
        Send gradients (and nothing else) in 16 bits.
    """

    def __init__(self, hvd: ModuleType, fp16: bool):
        self._hvd = hvd
        self._compression = hvd.Compression.fp16 if fp16 else hvd.Compression.none
        self.number = hvd.size()

    @property
    def index(self) -> int:
        return self._hvd.rank()

    def sum(self, tensors: Sequence[tf.Tensor]) -> list[tf.Tensor]:
        return [self._hvd.allreduce(tensor, op=self._hvd.Sum) for tensor in tensors]

    def mean_dense(self, gradients: Sequence[tf.Tensor]) -> list[tf.Tensor]:
        """Mean of the gradients of the outer tape: that of a penalty inside belongs to each replica's own showers."""
        return self._hvd.grouped_allreduce(gradients, op=self._hvd.Average, compression=self._compression)


class Horovod(Strategy):
    """Processes that Horovod connects; the number comes from the launcher."""

    name = "horovod"

    def __init__(self, fp16: bool = False):
        hvd = _import_horovod()
        os.environ.setdefault("HOROVOD_STALL_SHUTDOWN_TIME_SECONDS", str(STALL_SHUTDOWN_S))
        if not hvd.nccl_built():
            # Open MPI polls while it waits, here on the core that computes: make it yield (before it starts)
            os.environ.setdefault("OMPI_MCA_mpi_yield_when_idle", "1")
        hvd.init()
        pin_gpu(hvd.local_rank())
        self._hvd = hvd
        self.replicas = HorovodReplicas(hvd, fp16)
        self.process, self.processes = hvd.rank(), hvd.size()
        self.local_processes = hvd.local_size()
        self.local_replicas = (self.process,)

    def require_compilable(self, experiment) -> None:
        """XLA compiles Horovod's GPU operations alone.

        Raises
        ------
        ConfigError
        """
        compiled = any(part.training.jit_compile for part in experiment.members or (experiment,))
        if compiled and not self._hvd.nccl_built():
            raise ConfigError(
                "training.jit_compile: found true with --strategy horovod, whose build has no GPU operations, expected "
                "false"
            )

    def sum_over_processes(self, value: int) -> int:
        return int(self._hvd.allreduce(tf.constant(value, tf.int32), op=self._hvd.Sum, name="sum_over_processes"))

    def align(self, variables: Sequence[tf.Variable], restore: Callable[[], int]) -> int:
        """The chief alone reads the checkpoint; networks and optimisers of all others become its own."""
        found = self.on_chief(restore) or 0
        self._hvd.broadcast_variables(variables, root_rank=0)
        return self.sum_over_processes(found)
