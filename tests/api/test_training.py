"""``train``: a run of a program, in a thread, stopped, and continued."""

from __future__ import annotations

import os
import signal
from concurrent.futures import ThreadPoolExecutor

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
    "training.critic_steps": 1,
    "training.checkpoint_every": 2,
    "training.log_every": 1,
}


def train(folder, iterations, **more):
    return calosim_tf.train("photon_smoke", out=folder, iterations=iterations, settings=TINY, report=False, **more)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A run of four iterations in one go, in a thread, which may not set handlers of signals."""
    folder = tmp_path_factory.mktemp("whole") / "run"
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(train, folder, 4).result()


def test_a_stopped_run_goes_on_and_is_the_whole_one(whole, tmp_path, monkeypatch, capfd):
    """Breaks when Ctrl-C in a notebook loses the run, the next one ends the interpreter, or a second call begins anew,
    forgets the history, or leaves other weights.
    """
    from calosim_tf.training.callbacks import History

    logged, handler = History.on_train_batch_end, signal.getsignal(signal.SIGINT)

    def interrupt(self, batch, logs=None):
        logged(self, batch, logs)
        os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(History, "on_train_batch_end", interrupt)
    with pytest.raises(StoppedBySignal, match="stopped by SIGINT after iteration 1; the state is saved"):
        train(tmp_path / "run", 4)
    monkeypatch.undo()
    assert signal.getsignal(signal.SIGINT) is handler
    run = train(tmp_path / "run", 4, resume=True)
    assert (run.path, run.experiment, run.iterations) == (tmp_path / "run", "photon_smoke", 4)
    assert run.history.iteration.tolist() == [1, 2, 3, 4]
    assert run.history.equals(whole.history)
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
