"""NaN from anywhere: named with its iteration, exit 1, the last checkpoint intact and no poisoned one written."""

from __future__ import annotations

import json

import numpy as np
import pytest
import tensorflow as tf

from calosim_tf.data.normalisation import Normalisation
from calosim_tf.data.source import load_source
from calosim_tf.errors import NonFiniteError
from calosim_tf.experiments import get_experiment
from calosim_tf.geometry import get_detector
from calosim_tf.training.algorithms import wasserstein
from calosim_tf.training.build import model_class
from calosim_tf.training.callbacks import CheckpointAndSelect, History
from calosim_tf.training.checkpoint import CheckpointStore
from calosim_tf.training.parts import prepare
from calosim_tf.training.run_folder import RunFolder
from calosim_tf.training.train import train

AT = 3  # between the checkpoints of iterations 2 and 4
NAN = float("nan")


@pytest.fixture
def begin(data_files, tiny_losses, tmp_path):
    """``begin(loss, **settings)``: the arguments of ``train`` for a tiny run."""

    def arguments(loss, *more):
        name, settings = tiny_losses[loss]
        words = dict(item.split("=") for item in (*settings, "training.iterations=6", *more))
        experiment = get_experiment(name).with_values(words)
        source = load_source(data_files[name], get_detector(experiment.data.layout))
        run = RunFolder(tmp_path / "run")
        prepare(experiment, source, run, resume=False, force=False)
        return experiment, source, run

    return arguments


def now(model):
    return model.iteration == AT - 1


def poison_term(monkeypatch, experiment, kind, term):
    cls = model_class(experiment.training)
    original = getattr(cls, kind)

    def poisoned(self, *arguments):
        logs = original(self, *arguments)
        return {k: tf.where(now(self), NAN, v) if k == term else v for k, v in logs.items()}

    monkeypatch.setattr(cls, kind, poisoned)


def poison_gradient(monkeypatch, experiment, kind, term):
    cls = model_class(experiment.training)
    original = getattr(cls, kind)

    def poisoned(self, *arguments):
        @tf.custom_gradient
        def same(value):
            return tf.identity(value), lambda upstream: upstream * tf.where(now(self), NAN, 1.0)

        return {k: same(v) if k == term else v for k, v in original(self, *arguments).items()}

    monkeypatch.setattr(cls, kind, poisoned)


def poison_penalty(monkeypatch, experiment, kind, term):
    original = wasserstein.gradient_penalty

    def poisoned(score, points):
        penalty, norm = original(score, points)
        return penalty * tf.where(iteration[0] == AT - 1, NAN, 1.0), norm

    iteration = [None]
    losses = wasserstein.WassersteinGpModel.critic_losses

    def noting(self, *arguments):
        iteration[0] = self.iteration
        return losses(self, *arguments)

    monkeypatch.setattr(wasserstein.WassersteinGpModel, "critic_losses", noting)
    monkeypatch.setattr(wasserstein, "gradient_penalty", poisoned)


def poison_weight(monkeypatch, experiment, network, _term, callback=CheckpointAndSelect, after=AT - 1):
    original = callback.on_train_batch_end

    def poisoning(self, batch, logs=None):
        original(self, batch, logs)
        if self.iteration == after:
            variable = getattr(self.model, network).trainable_variables[0]
            values = variable.numpy()
            values.flat[1] = NAN
            variable.assign(values)

    monkeypatch.setattr(callback, "on_train_batch_end", poisoning)


def poison_data(monkeypatch, experiment, *_names):
    calls = []
    for cls in Normalisation.__subclasses__():
        original = cls.to_network

        def poisoned(self, showers, energy, original=original):
            calls.append(1)
            values = np.array(original(self, showers, energy))
            if len(calls) == AT:
                values.flat[7] = np.inf
            return values

        monkeypatch.setattr(cls, "to_network", poisoned)


CRITIC, GENERATOR = "critic_losses", "generator_losses"
CASES = [
    ("wasserstein", poison_term, CRITIC, "critic_loss_real", "critic_loss_real in update 1"),
    ("wasserstein", poison_term, GENERATOR, "generator_loss_adversarial", "generator_loss_adversarial in update 3"),
    ("wasserstein", poison_penalty, "", "", "critic_loss_penalty in update 1"),
    ("wasserstein", poison_gradient, CRITIC, "critic_loss_fake", "gradient of .*kernel.* in update 1"),
    ("wasserstein", poison_weight, "critic", "", "weight .*kernel"),
    ("wasserstein", poison_data, "", "", r"training data \(showers or conditions\)"),
    ("hinge", poison_term, CRITIC, "critic_loss_fake", "critic_loss_fake in update 1"),
    ("hinge", poison_gradient, GENERATOR, "generator_loss_adversarial", "gradient of .* in update 3"),
    ("hinge", poison_weight, "generator", "", "weight .*kernel"),
    ("hinge", poison_data, "", "", "training data"),
    ("non-saturating", poison_term, "_critic_terms", "critic_loss_fake", "critic_loss_fake in update 2"),
    ("non-saturating", poison_term, GENERATOR, "generator_loss_energy", "generator_loss_energy in update 3"),
    ("non-saturating", poison_gradient, "_critic_terms", "critic_loss_real", "gradient of .* in update 1"),
    ("non-saturating", poison_weight, "generator", "", "weight "),
    ("non-saturating", poison_data, "", "", "training data"),
]


@pytest.mark.parametrize(
    ("loss", "poison", "place", "term", "words"), CASES, ids=[f"{c[0]}-{c[1].__name__}-{c[3]}" for c in CASES]
)
def test_the_first_fault_is_named_with_its_iteration(begin, monkeypatch, count, loss, poison, place, term, words):
    """Breaks if a consequence is named instead of the cause, an iteration too late, or a poisoned state is kept."""
    experiment, source, run = begin(loss)
    poison(monkeypatch, experiment, place, term)
    with pytest.raises(NonFiniteError, match=rf": {words}.* is not finite at iteration {AT}, ") as caught:
        train(experiment, source, run)
    assert caught.value.exit_code == 1
    assert "\n" not in str(caught.value)
    expect_intact(run)
    count("non-finite values named with their iteration", f"{len(CASES)} cases, 3 losses")


def expect_intact(run):
    assert json.loads((run.path / "status.json").read_text())["state"] == "failed"
    store = CheckpointStore(run.checkpoints, 1)
    assert store.iterations() == [2]
    assert store.fault(2) is None
    reader = tf.train.load_checkpoint(str(run.checkpoints / "2" / "state"))
    for name, kind in reader.get_variable_to_dtype_map().items():
        assert not kind.is_floating or np.isfinite(reader.get_tensor(name)).all(), name


def test_a_weight_that_is_lost_right_before_a_checkpoint(begin, monkeypatch):
    """Breaks if the state of a checkpoint is not looked at: the next iteration would be too late."""
    experiment, source, run = begin("wasserstein")
    poison_weight(monkeypatch, experiment, "generator", "", callback=History, after=4)
    with pytest.raises(NonFiniteError, match=r"generator/.*kernel is not finite after iteration 4.*the last one is 2"):
        train(experiment, source, run)
    expect_intact(run)


def test_compiled_steps_are_guarded_too(begin, monkeypatch):
    """Breaks if the guard rests on operations that XLA leaves out."""
    experiment, source, run = begin("wasserstein", "training.jit_compile=true")
    poison_gradient(monkeypatch, experiment, GENERATOR, "generator_loss_adversarial")
    with pytest.raises(NonFiniteError, match=rf"gradient of .* in update 3 is not finite at iteration {AT}"):
        train(experiment, source, run)
    expect_intact(run)
