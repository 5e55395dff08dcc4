"""All processes begin at the chief's iteration, or none does."""

from types import SimpleNamespace

import pytest
import tensorflow as tf

from calosim_tf.errors import CheckpointError
from calosim_tf.training.strategies.horovod import Horovod
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
