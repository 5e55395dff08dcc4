"""Strategies of tf.distribute: several devices of one process, or several processes."""

from __future__ import annotations

import contextlib
import json
import os
import socket
from collections import Counter
from collections.abc import Callable, Sequence

import tensorflow as tf

from calosim_tf.errors import CheckpointError, ConfigError
from calosim_tf.keras_compat import raw
from calosim_tf.layers.replicas import Replicas
from calosim_tf.training.strategies.devices import VIRTUAL_DEVICES, pin_gpu
from calosim_tf.training.strategies.strategy import Strategy

# Seconds between checks that the other processes are alive
PEER_CHECK_S = 3
# Ports of the processes of a SLURM step: two jobs that share a node must not meet, so the job number picks the first
FIRST_PORT, PORTS, PORTS_PER_JOB = 20_000, 10_000, 16


class TfReplicas(Replicas):
    """Replicas of a tf.distribute strategy; inside of ``strategy.run`` only."""

    def __init__(self, strategy: tf.distribute.Strategy):
        self.number = strategy.num_replicas_in_sync

    @property
    def index(self) -> tf.Tensor | int:
        return tf.distribute.get_replica_context().replica_id_in_sync_group

    def sum(self, tensors: Sequence[tf.Tensor]) -> list[tf.Tensor]:
        """One message for all tensors of a kind."""
        tensors = [tf.convert_to_tensor(tensor) for tensor in tensors]
        flat = tf.concat([tf.reshape(tensor, [-1]) for tensor in tensors], axis=0)
        total = tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, flat)
        pieces = tf.split(total, [tf.size(tensor) for tensor in tensors])
        return [tf.reshape(piece, tf.shape(tensor)) for piece, tensor in zip(pieces, tensors, strict=True)]

    def assign(self, variable: tf.Variable, value: tf.Tensor) -> None:
        def update(strategy, target, values):
            strategy.extended.update(target, lambda own, new: own.assign(new), args=(values,))

        tf.distribute.get_replica_context().merge_call(update, args=(raw(variable), value))


class _TfStrategy(Strategy):
    def __init__(self, strategy: tf.distribute.Strategy):
        self._strategy = strategy
        self.replicas = TfReplicas(strategy)

    def scope(self):
        return self._strategy.scope()

    def distribute(self, batches: tf.data.Dataset) -> tf.distribute.DistributedDataset:
        return self._strategy.distribute_datasets_from_function(lambda _context: batches)


class Mirrored(_TfStrategy):
    """All visible GPUs of this machine, or all (virtual) CPU devices where there is none."""

    name = "mirrored"

    def __init__(self):
        devices = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
        if len(devices) < 2:
            raise ConfigError(
                f"--strategy mirrored: found {len(devices)} device, expected at least two GPUs "
                f"(to try it on the CPU, set {VIRTUAL_DEVICES}=2)"
            )
        super().__init__(tf.distribute.MirroredStrategy([device.name for device in devices]))
        self.local_replicas = range(self.replicas.number)


class MultiWorker(_TfStrategy):
    """One process per worker, each with its devices; the cluster from TF_CONFIG or the variables of a SLURM step."""

    name = "multiworker"

    def __init__(self):
        resolver, workers = find_cluster()
        strategy = tf.distribute.MultiWorkerMirroredStrategy(cluster_resolver=resolver)
        # no public setting: a process that ends waits for the pause between two questions to its peers, 30 s by default
        strategy.extended._check_health_interval = PEER_CHECK_S
        super().__init__(strategy)
        self.process, self.processes = resolver.task_id, len(workers)
        own = workers[self.process].rpartition(":")[0]
        self.local_processes = sum(worker.rpartition(":")[0] == own for worker in workers)
        each = self.replicas.number // self.processes
        self.local_replicas = range(self.process * each, (self.process + 1) * each)
        self._sum = tf.function(self._sum_on_device)

    def sum_over_processes(self, value: int) -> int:
        # every replica of this process sends the value
        total = self._sum(tf.constant(value, tf.int32))
        return int(self._strategy.experimental_local_results(total)[0]) // len(self.local_replicas)

    def _sum_on_device(self, value: tf.Tensor):
        def reduce():
            # a copy on the device of the replica: an argument of the function has none
            own = tf.identity(value)
            return tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, own)

        return self._strategy.run(reduce)

    def align(self, variables: Sequence[tf.Variable], restore: Callable[[], int]) -> int:
        """Each process restores for itself: initial values are the chief's already."""
        found = restore()
        first = self.sum_over_processes(found if self.is_chief else 0)
        if self.sum_over_processes(int(found != first)):
            raise CheckpointError(
                f"rank {self.process}: found checkpoint {found}, rank 0 found {first}, expected the same: "
                "the run folder must be on a file system that all ranks see"
            )
        return first


def find_cluster() -> tuple[tf.distribute.cluster_resolver.ClusterResolver, list[str]]:
    """Resolver and addresses of all workers, from TF_CONFIG or else from the variables of a SLURM step.

    Raises
    ------
    ConfigError
        Neither is there, or TF_CONFIG does not name this worker.
    """
    if "TF_CONFIG" in os.environ:
        try:
            workers = json.loads(os.environ["TF_CONFIG"])["cluster"]["worker"]
            resolver = tf.distribute.cluster_resolver.TFConfigClusterResolver()
            if resolver.task_type != "worker" or not 0 <= resolver.task_id < len(workers):
                raise ValueError(f"task {resolver.task_type} {resolver.task_id}")
        except (ValueError, KeyError, TypeError) as error:
            raise ConfigError(
                f"TF_CONFIG: found {os.environ['TF_CONFIG']!r} ({error}), expected "
                '{"cluster": {"worker": ["host:port", ...]}, "task": {"type": "worker", "index": 0}}'
            ) from error
        return resolver, workers
    if "SLURM_PROCID" not in os.environ:
        raise ConfigError(
            "--strategy multiworker: found neither TF_CONFIG nor the variables of a SLURM step, expected one of them: "
            "start it with srun, or set TF_CONFIG (docs/hpc.md)"
        )
    tasks = int(os.environ["SLURM_STEP_NUM_TASKS"])
    port = FIRST_PORT + int(os.environ.get("SLURM_JOB_ID", 0)) * PORTS_PER_JOB % PORTS
    # TensorFlow's resolver counts GPUs even where there are none, and then gives no port at all: told one per task, it
    # only expands the host list
    slurm = tf.distribute.cluster_resolver.SlurmClusterResolver(
        port_base=port, gpus_per_node=tasks, gpus_per_task=1, auto_set_gpu=False
    )
    workers = _ports_apart(slurm.cluster_spec().as_dict()["worker"], port)
    pin_gpu(int(os.environ.get("SLURM_LOCALID", 0)))
    spec = tf.train.ClusterSpec({"worker": workers})
    rank = int(os.environ["SLURM_PROCID"])
    return tf.distribute.cluster_resolver.SimpleClusterResolver(spec, task_type="worker", task_id=rank), workers


def _ports_apart(workers: Sequence[str], first: int) -> list[str]:
    """Addresses with ports counted per machine, of which two node names may be one (a SLURM on one machine)."""
    found, on_machine = [], Counter()
    for host in (worker.rpartition(":")[0] for worker in workers):
        machine = host
        with contextlib.suppress(OSError):
            machine = socket.gethostbyname(host)
        found.append(f"{host}:{first + on_machine[machine]}")
        on_machine[machine] += 1
    return found
