"""The guard names the first number that is not finite, in the order of the computation."""

import keras
import pytest
import tensorflow as tf

from calosim_tf.layers.replicas import ALONE
from calosim_tf.training import loss_scale
from calosim_tf.training.guard import Guard
from calosim_tf.training.loss_scale import FIRST_SCALE, LossScale

NAN, INF = float("nan"), float("inf")
SOUND = {"weight": 1.0, "data": 1.0, "first": 1.0, "slope": 1.0, "second": 1.0}


@pytest.fixture
def step():
    """``step(**values)``: what the guard finds in an iteration of two updates with these numbers."""
    guard = Guard()
    inputs = keras.Input((3,))
    network = keras.Model(inputs, keras.layers.Dense(2, name="dense")(inputs))

    @tf.function
    def iteration(values):
        network.weights[0].assign(tf.fill((3, 2), values["weight"]))
        guard.begin([network])
        gradients = [tf.fill((3, 2), values["slope"]), None]
        guard.check({"critic_loss": values["first"], "count": tf.constant(3)}, gradients, network.trainable_variables)
        guard.check({"generator_loss": values["second"]}, [tf.ones((3, 2))] * 2, network.trainable_variables)
        guard.end([tf.fill((4, 3), values["data"]), tf.constant([1, 2])])

    def run(**values):
        # for the test of its graph
        run.traced = iteration
        iteration({name: tf.constant(values.get(name, one)) for name, one in SOUND.items()})
        return guard.first_fault()

    return run


@pytest.mark.parametrize("bad", [NAN, INF, -INF])
def test_each_kind_by_its_name(step, bad):
    """Breaks if a kind is not looked at, or a sound iteration stops a run."""
    assert step() is None
    assert step(weight=bad) == "weight dense/kernel"
    assert step(first=bad) == "critic_loss in update 1"
    assert step(slope=bad) == "gradient of dense/kernel in update 1"
    assert step(second=bad) == "generator_loss in update 2"
    assert step() is None


def test_causes_before_consequences(step):
    """Breaks if the last of a chain of faults is named, or sound data."""
    assert step(first=NAN, slope=NAN, second=NAN) == "critic_loss in update 1"
    assert step(slope=NAN, second=NAN) == "gradient of dense/kernel in update 1"
    assert step(weight=NAN, first=NAN) == "weight dense/kernel"
    assert step(data=NAN, first=NAN, slope=NAN) == "training data (showers or conditions)"


def test_no_index_is_computed(step):
    """Breaks when XLA, which takes a computed index for a constant, compiles every iteration anew."""
    step()
    (graph,) = {function.graph for function in step.traced._list_all_concrete_functions()}
    slices = [operation for operation in graph.get_operations() if operation.type == "StridedSlice"]
    assert {begin.op.type for begin in (operation.inputs[1] for operation in slices)} <= {"Const"}


def test_a_scale_follows_its_gradients(monkeypatch):
    """Breaks when a gradient keeps the factor, an overflown one reaches a weight, or the factor stays."""
    monkeypatch.setattr(loss_scale, "SOUND_UPDATES", 2)
    scale, weight = LossScale(ALONE), tf.Variable(1.0)

    def update(factor):
        """An update by the gradient of ``factor`` times the weight; what a check sees of it."""
        with tf.GradientTape() as tape:
            loss = scale.scaled(factor * weight)
        (gradient, none), faulty = scale.unscaled([tape.gradient(loss, weight), None])
        assert none is None
        with scale.undone_where_overflown([weight]):
            # a slot would move without a gradient too
            weight.assign(weight + gradient + 1.0)
        state = scale.state["scale"].numpy() / FIRST_SCALE, int(scale.state["sound_updates"].numpy())
        return float(weight), *state, float(faulty[0])

    assert update(3.0) == (5.0, 1.0, 1, 3.0)
    assert update(1e38) == (5.0, 0.5, 0, 0.0)
    assert update(3.0) == (9.0, 0.5, 1, 3.0)
    assert update(3.0) == (13.0, 1.0, 0, 3.0)
    scale.state["scale"].assign(1.0)
    assert update(INF) == (13.0, 1.0 / FIRST_SCALE, 0, INF)
