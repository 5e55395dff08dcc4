"""``train``: a run begun in a program, continued there and by the command, in a thread, and stopped."""

from __future__ import annotations

import os
import signal
import threading

import numpy as np
import pytest

import calosim_tf
from calosim_tf.errors import ConfigError, DataError, RunFolderError, StoppedBySignal

pytestmark = pytest.mark.slow
TINY = {
    "network.latent.size": 4,
    "network.generator_units": (6, 5),
    "network.critic_units": (7, 6),
    "training.batch_size": 16,
    "training.critic_steps": 2,
    "training.checkpoint_every": 2,
    "training.log_every": 1,
}


def train(folder, iterations, **more):
    return calosim_tf.train("photon_smoke", out=folder, iterations=iterations, settings=TINY, report=False, **more)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A run of four iterations in one go."""
    return train(tmp_path_factory.mktemp("whole") / "run", 4)


def test_a_resumed_run_is_the_whole_one(whole, tmp_path, capfd):
    """Breaks when a second call begins anew, forgets the history, or leaves other weights; or anything is printed."""
    first = train(tmp_path / "run", 2, resume=True)
    assert (first.iterations, len(first.history)) == (2, 2)
    run = train(tmp_path / "run", 4, resume=True)
    assert (run.path, run.experiment, run.iterations) == (tmp_path / "run", "photon_smoke", 4)
    assert run.history.drop(columns="seconds", errors="ignore").equals(
        whole.history.drop(columns="seconds", errors="ignore")
    )
    assert run.selection.iteration.tolist() == [2, 4]
    assert run.metrics is None
    found, expected = (item.load().generate([1024.0, 4096.0], seed=1).voxels_mev for item in (run, whole))
    np.testing.assert_array_equal(found, expected)
    assert capfd.readouterr().out == ""


def test_an_existing_run_is_kept(whole):
    """Breaks when a run is overwritten without being asked to."""
    with pytest.raises(RunFolderError, match="found an existing run, expected a new folder"):
        train(whole.path, 6)
    assert whole.load().iterations[0] in (2, 4)


@pytest.mark.parametrize(
    ("arguments", "kind", "words"),
    [
        ({"experiment": "foton"}, ConfigError, "foton"),
        ({"settings": {"training.speed": 3}}, ConfigError, "training.speed"),
        ({"iterations": -1}, ConfigError, "training.iterations"),
        ({"data": "no.hdf5"}, DataError, "no.hdf5"),
    ],
)
def test_what_cannot_be_trained_is_one_line(tmp_path, arguments, kind, words):
    """Breaks when a wrong name costs minutes, or leaves a folder."""
    arguments = {"experiment": "photon_smoke", "out": tmp_path / "run"} | arguments
    with pytest.raises(kind, match=words) as caught:
        calosim_tf.train(arguments.pop("experiment"), **arguments)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "run").exists()


def test_a_thread_can_train(whole, tmp_path):
    """Breaks when a run needs the main thread, which alone may set handlers of signals."""
    found = []
    thread = threading.Thread(target=lambda: found.append(train(tmp_path / "run", 4)))
    thread.start()
    thread.join()
    assert found[0].history.iteration.tolist() == whole.history.iteration.tolist()


def test_a_stopped_run_is_an_exception_and_the_signals_are_given_back(tmp_path, monkeypatch):
    """Breaks when Ctrl-C in a notebook loses the run, or when the next one ends the interpreter."""
    from calosim_tf.training.callbacks import History

    logged = History.on_train_batch_end

    def interrupt(self, batch, logs=None):
        logged(self, batch, logs)
        os.kill(os.getpid(), signal.SIGINT)

    handler = signal.getsignal(signal.SIGINT)
    monkeypatch.setattr(History, "on_train_batch_end", interrupt)
    with pytest.raises(StoppedBySignal, match="the state is saved"):
        train(tmp_path / "run", 4)
    monkeypatch.undo()
    assert signal.getsignal(signal.SIGINT) is handler
    assert train(tmp_path / "run", 4, resume=True).iterations == 4
