"""Several processes: where they begin, and what they make of each other's numbers."""

from types import SimpleNamespace

import pytest
import tensorflow as tf

from calosim_tf.errors import CheckpointError, ConfigError
from calosim_tf.experiments import get_experiment
from calosim_tf.training.strategies.horovod import Horovod, HorovodReplicas
from calosim_tf.training.strategies.tf_distribute import MultiWorker


class Worker(MultiWorker):
    """One of two processes; ``elsewhere`` is what the other one adds to each sum."""

    def __init__(self, process, elsewhere):
        self.process, self.processes, self._elsewhere = process, 2, iter(elsewhere)

    def sum_over_processes(self, value):
        return value + next(self._elsewhere)


@pytest.mark.parametrize(
    ("process", "found", "elsewhere", "chief"),
    [(0, 6, (0, 0), None), (1, 6, (6, 0), None), (0, 6, (0, 1), 6), (1, 4, (6, 0), 6), (1, 6, (6, 1), 6)],
)
def test_workers_that_found_different_checkpoints_all_stop(process, found, elsewhere, chief):
    """Breaks when one goes on alone, which mixes weights of two iterations, or the iteration is that of a sum."""
    worker = Worker(process, elsewhere)
    if chief is None:
        assert worker.align([], lambda: found) == 6
        return
    with pytest.raises(CheckpointError, match=f"rank {process}: found checkpoint {found}, rank 0 found {chief}"):
        worker.align([], lambda: found)


@pytest.mark.parametrize(("process", "elsewhere", "restored"), [(0, (0, 0, 0), 1), (1, (0, 0, 6), 0)])
def test_the_chief_alone_reads_and_sends_what_it_read(process, elsewhere, restored):
    """Breaks when another process reads too, begins at 0, or sends its own weights."""
    others, sent, calls = iter(elsewhere), [], []
    strategy = object.__new__(Horovod)
    strategy.process, strategy.processes = process, 2
    strategy._hvd = SimpleNamespace(
        Sum="sum",
        allreduce=lambda tensor, op, name: tensor + next(others) if op == "sum" else None,
        broadcast_variables=lambda variables, root_rank: sent.append((variables, root_rank, len(calls))),
    )
    variables = [tf.Variable(1.0)]
    assert strategy.align(variables, lambda: calls.append("restored") or 6) == 6
    assert len(calls) == restored
    # after the chief has read
    assert sent == [(variables, 0, restored)]


def test_gradients_are_averaged_and_the_rest_is_added_up():
    """Breaks when gradients grow with the number of processes, or something else than gradients loses digits."""
    other, sent = [5.0, 7.0], []

    def reduced(tensors, op, compression=None):
        sent.append(compression)
        return [
            (tensor + more) / (2.0 if op == "average" else 1.0) for tensor, more in zip(tensors, other, strict=False)
        ]

    hvd = SimpleNamespace(
        Sum="sum", Average="average", Compression=SimpleNamespace(fp16="16 bits", none="none"), size=lambda: 2,
        rank=lambda: 1, grouped_allreduce=reduced, allreduce=lambda tensor, op: reduced([tensor], op)[0],
    )  # fmt: skip
    for fp16, expected in ((False, "none"), (True, "16 bits")):
        sent.clear()
        replicas = HorovodReplicas(hvd, fp16)
        assert (replicas.index, replicas.number) == (1, 2)
        assert [float(mean) for mean in replicas.mean_dense([tf.constant(1.0), tf.constant(2.0)])] == [3.0, 4.5]
        assert [float(total) for total in replicas.sum([tf.constant(1.0), tf.constant(2.0)])] == [6.0, 7.0]
        assert sent == [expected, None, None]


@pytest.mark.parametrize(
    ("compiled", "on_gpu", "refused"), [(True, False, True), (True, True, False), (False, False, False)]
)
def test_a_compiled_step_needs_operations_that_can_be_compiled(compiled, on_gpu, refused):
    """Breaks when it ends in a traceback of XLA, or what works is refused."""
    strategy = object.__new__(Horovod)
    strategy._hvd = SimpleNamespace(nccl_built=lambda: on_gpu)
    whole = get_experiment("photon").with_values({"training.jit_compile": compiled})
    split = get_experiment("photon_2gan").with_values({"training.jit_compile": compiled})
    for experiment in (whole, split):
        if not refused:
            strategy.require_compilable(experiment)
            continue
        with pytest.raises(ConfigError, match=r"training\.jit_compile: found true with --strategy horovod"):
            strategy.require_compilable(experiment)
