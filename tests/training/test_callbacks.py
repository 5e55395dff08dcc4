"""What is written between iterations, and when a training stops."""

import os
import signal
from types import SimpleNamespace

import pytest
import tensorflow as tf

from calosim_tf.errors import NonFiniteError, StoppedBySignal, WorkerLostError
from calosim_tf.training.callbacks import History, StopOnRequest
from calosim_tf.training.signals import STOP_SIGNALS, StopRequest, signals_given_back, stop_at_once
from calosim_tf.training.strategies.strategy import Strategy
from calosim_tf.training.train import _Fit


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


@pytest.mark.parametrize(
    ("replicas", "received", "agreed", "stops"),
    [(1, None, 1.0, False), (1, "SIGTERM", 0.0, True), (2, "SIGTERM", 0.0, False), (2, None, 1.0, True)],
)
def test_one_process_stops_by_itself_and_several_when_all_agree(replicas, received, agreed, stops):
    """Breaks when one of several processes stops alone, which leaves the others waiting."""
    callback = StopOnRequest(SimpleNamespace(received=received))
    model = SimpleNamespace(
        replicas=SimpleNamespace(number=replicas),
        stop_agreed=SimpleNamespace(numpy=lambda: agreed),
        stop_training=False,
    )
    callback.set_model(model)
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
