"""What is written between iterations, and when a training stops."""

import os
import signal
from types import SimpleNamespace

import pytest
import tensorflow as tf

from calosim_tf.errors import NonFiniteError, RunFolderError, StoppedBySignal, WorkerLostError
from calosim_tf.training.callbacks import CheckpointAndSelect, History, StopOnRequest
from calosim_tf.training.checkpoint import CheckpointStore
from calosim_tf.training.run_folder import RunFolder
from calosim_tf.training.signals import STOP_SIGNALS, StopRequest, signals_given_back, stop_at_once
from calosim_tf.training.strategies.strategy import Strategy
from calosim_tf.training.train import _Fit, _segments


def history(rows, pending, first_iteration=0):
    """History of a training of two stages, iterations 1 to 3 and 4 to 8, that writes every second iteration."""
    run = SimpleNamespace(path="run", history=SimpleNamespace(append=rows.append))
    training = SimpleNamespace(log_every=2, stages=[SimpleNamespace(last=3), SimpleNamespace(last=8)])
    found = History(run, training, first_iteration, pending)
    found.set_model(SimpleNamespace(terms=("loss",), guard=SimpleNamespace(first_fault=lambda: None)))
    return found


def test_a_row_is_the_mean_of_its_iterations_over_stage_borders_and_resumes():
    """Breaks when a sum, a part of one stage in the row of the next, or the iterations before a stop are written."""
    rows = []
    first = history(rows, {})
    for value in (1.0, 3.0, 5.0, 7.0, 1.0):
        first.on_train_batch_end(0, {"loss": value})
    assert first.pending == {"sums": {"loss": 1.0}, "count": 1}
    history(rows, first.pending, first_iteration=5).on_train_batch_end(0, {"loss": 4.0})
    assert [(row["iteration"], float(row["loss"])) for row in rows] == [(2, 2.0), (3, 5.0), (4, 7.0), (6, 2.5)]


def test_a_loss_that_is_no_number_stops_the_training():
    """Breaks when NaN is averaged."""
    with pytest.raises(NonFiniteError, match="loss is not finite at iteration 1"):
        history([], {}).on_train_batch_end(0, {"loss": float("nan")})


@pytest.mark.parametrize("first", [0, 1, 3, 4, 5, 6, 8, 11])
def test_epochs_end_where_checkpoints_and_stages_do(first):
    """Breaks when a resumed run repeats or leaves out iterations, trains the wrong stage, or judges between epochs."""
    stages = [SimpleNamespace(first=begin, last=last) for begin, last in ((0, 2), (2, 5), (5, 12))]
    ends, reached = [], first
    for stage, begin, epochs, length in _segments(first, SimpleNamespace(checkpoint_every=3, stages=stages)):
        assert begin == reached
        for _ in range(epochs):
            assert stage.first <= reached < stage.last
            reached += length
            ends.append(reached)
            assert reached <= stage.last
    assert ends == [end for end in (2, 3, 5, 6, 9, 12) if end > first]


class Saving:
    """A training of stages that end with iterations 2 (of another network), 6 and 10, saved every second iteration."""

    def __init__(self, path, chi2=()):
        self.run = RunFolder(path)
        self.run.path.mkdir(exist_ok=True)
        self.store = CheckpointStore(self.run.checkpoints, keep=1)
        self.tracked = tf.train.Checkpoint(iteration=tf.Variable(0, dtype=tf.int64))
        self.judged = iter(chi2)
        stages = [SimpleNamespace(first=first, trains_generator=first > 0) for first in (0, 2, 6)]
        training = SimpleNamespace(
            checkpoint_every=2, stage_of=lambda iteration: stages[(iteration > 2) + (iteration > 6)]
        )
        self.history = SimpleNamespace(pending={"count": 1})
        self.callback = CheckpointAndSelect(
            self.run, self.store, self.tracked, self.judge, training, self.history, self.still_ours
        )
        self.is_ours = True

    def judge(self):
        return {"chi2": str(next(self.judged)), "ndf": "1"}

    def still_ours(self):
        if not self.is_ours:
            raise RunFolderError("taken over")

    def go_to(self, last):
        while self.callback.iteration < last:
            self.tracked.iteration.assign_add(1)
            self.callback.on_train_batch_end(0)

    @property
    def chosen(self):
        return [(int(row["iteration"]), row["chosen"]) for row in self.run.selection.rows()]

    @property
    def pointers(self):
        return [(self.store.folder / name).read_text().strip() for name in ("latest", "best")]


def test_the_best_checkpoint_of_the_last_stage_is_marked_and_kept(tmp_path):
    """Breaks when the newest or worst one is chosen, two are, another stage's, or the best one is deleted."""
    training = Saving(tmp_path / "run", [1.0, 2.0, 5.0, 4.0])
    training.go_to(3)
    assert training.store.iterations() == [2]
    assert training.chosen == []
    training.go_to(7)
    assert training.chosen == [(4, "1"), (6, "0")]
    assert training.store.iterations() == [4, 6]
    assert training.pointers == ["6", "4"]
    training.go_to(8)
    assert training.chosen == [(4, "0"), (6, "0"), (8, "1")]
    training.go_to(10)
    assert training.chosen == [(4, "0"), (6, "0"), (8, "0"), (10, "1")]
    assert training.store.iterations() == [10]
    assert training.run.status() == {"iteration": 10, "state": "running", "exit": None}


def test_a_verdict_is_given_once(tmp_path):
    """Breaks when a run that was killed between verdict and pointer is judged again, or its pointer stays behind."""
    training = Saving(tmp_path / "run", [2.0, 1.0])
    training.go_to(6)
    training.store.mark_best(4)
    training.callback.select(6)
    assert training.pointers == ["6", "6"]
    assert training.chosen == [(4, "0"), (6, "1")]


def test_a_sound_checkpoint_is_not_written_again_and_a_damaged_one_is(tmp_path):
    """Breaks when a resumed run goes on from a damaged checkpoint, loses its pointer, or writes where it must not."""
    training = Saving(tmp_path / "run", [1.0])
    training.go_to(4)
    manifest = training.store.folder / "4" / "manifest.json"
    assert training.store.notes(4) == {"history": {"count": 1}}
    training.history.pending = {"count": 2}
    training.store.mark_latest(2)
    training.callback.save(4)
    assert training.store.notes(4) == {"history": {"count": 1}}
    assert training.pointers[0] == "4"
    (manifest.parent / "state.index").write_bytes(b"damaged")
    training.is_ours = False
    with pytest.raises(RunFolderError, match="taken over"):
        training.callback.save(4)
    assert training.store.fault(4) is not None
    training.is_ours = True
    training.callback.save(4)
    assert training.store.fault(4) is None
    assert training.store.notes(4) == {"history": {"count": 2}}


@pytest.mark.parametrize(
    ("replicas", "received", "agreed", "stops"),
    [(1, None, 1.0, False), (1, "SIGTERM", 0.0, True), (2, "SIGTERM", 0.0, False), (2, None, 1.0, True)],
)
def test_one_process_stops_by_itself_and_several_when_all_agree(replicas, received, agreed, stops):
    """Breaks when one of several processes stops alone, which leaves the others waiting."""
    callback, asked = StopOnRequest(SimpleNamespace(received=received)), []
    model = SimpleNamespace(
        replicas=SimpleNamespace(number=replicas),
        stop_agreed=SimpleNamespace(numpy=lambda: agreed),
        stop_training=False,
        stop_asked=SimpleNamespace(assign=asked.append),
    )
    callback.set_model(model)
    callback.on_train_batch_begin(0)
    # the others hear of it with the numbers of this iteration
    assert asked == ([1.0] if received else [])
    callback.on_train_batch_end(0)
    assert (callback.stopped, model.stop_training) == (stops, stops)


@pytest.mark.parametrize(
    ("processes", "received", "stops"),
    [(1, signal.SIGTERM, True), (1, None, False), (2, signal.SIGTERM, False), (2, None, False)],
)
def test_a_request_behind_the_last_iteration_stops_one_process_alone(processes, received, stops):
    """Breaks when it is lost, or one of several processes acts on it."""
    model = SimpleNamespace(iteration=SimpleNamespace(numpy=lambda: 7))
    fit = _Fit(None, None, SimpleNamespace(path="run"), model, 0, SimpleNamespace(processes=processes))
    stop = fit.stop_of(SimpleNamespace(received=received))
    assert (stop is not None) == stops
    assert not stops or "run: stopped by SIGTERM after iteration 7" in str(stop)


@pytest.fixture
def kept_handlers():
    """Handlers of the stop signals, which are put back behind the test."""
    before = {number: signal.getsignal(number) for number in STOP_SIGNALS}
    yield before
    for number, handler in before.items():
        signal.signal(number, handler)


def handlers():
    return {number: signal.getsignal(number) for number in STOP_SIGNALS}


def test_the_first_signal_is_a_request(kept_handlers):
    """Breaks when a signal ends the process in the middle of an iteration, or a block without one leaves a trace."""
    with StopRequest() as request:
        assert request.received is None
    assert handlers() == kept_handlers
    # without a handler the signal would end this process
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    with StopRequest() as request:
        os.kill(os.getpid(), signal.SIGUSR1)
        assert request.received is signal.SIGUSR1


def test_where_no_iteration_runs_a_signal_stops_at_once(kept_handlers):
    """Breaks when a signal is kept for later or without a word, a second one is caught, or a handler is left behind."""
    with stop_at_once("run"):
        pass
    assert handlers() == kept_handlers
    seen = {}

    def stopped():
        with stop_at_once("run"):
            try:
                os.kill(os.getpid(), signal.SIGUSR1)
            finally:
                seen.update(handlers())

    with pytest.raises(StoppedBySignal, match=r"^run: stopped by SIGUSR1; nothing is lost, continue with --resume$"):
        stopped()
    assert set(seen.values()) == {signal.SIG_DFL}
    assert handlers() == kept_handlers


def test_a_program_gets_its_signals_back(kept_handlers):
    """Breaks when Ctrl-C ends a notebook whose training was stopped by an earlier one."""

    def stopped():
        with signals_given_back():
            for number in STOP_SIGNALS:
                signal.signal(number, signal.SIG_DFL)
            raise StoppedBySignal("stopped")

    with pytest.raises(StoppedBySignal):
        stopped()
    assert handlers() == kept_handlers


@pytest.mark.parametrize(("processes", "expected"), [(1, tf.errors.UnavailableError), (2, WorkerLostError)])
def test_only_several_processes_lose_one(processes, expected):
    """Breaks when one process says that another is gone."""
    strategy = Strategy()
    strategy.processes = processes
    with pytest.raises(expected), strategy.watching("run"):
        raise tf.errors.UnavailableError(None, None, "socket closed by peer")
