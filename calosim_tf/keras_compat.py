"""What differs between Keras 2 (Python 3.11) and Keras 3 (Python 3.12 and later); nothing else asks for a version.

Keras 3 wraps each ``tf.Variable`` in a variable of its own, sums gradients over replicas in its optimisers, and names
checkpointed objects in another way.  The functions here take the objects of either and do the same with both.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from typing import Any

import keras
import tensorflow as tf

KERAS_3 = int(keras.__version__.split(".")[0]) >= 3

# Keras 2 takes n / (n - 1) times the variance of a batch of images into the moving one, Keras 3 the variance itself
UNBIASED_MOVING_VARIANCE = not KERAS_3
# Options of ``add_weight`` for a weight that every replica computes alike
ALIKE = {"aggregation": "only_first_replica" if KERAS_3 else tf.VariableAggregation.ONLY_FIRST_REPLICA}


def raw(variable) -> tf.Variable:
    """The ``tf.Variable`` behind a weight, also behind one that Keras reads in 16 bits."""
    if KERAS_3:
        return variable.value if isinstance(variable, keras.Variable) else variable
    return getattr(variable, "_variable", variable) if type(variable).__name__.startswith("AutoCast") else variable


def raws(variables: Iterable) -> list[tf.Variable]:
    """The ``tf.Variable`` behind each weight."""
    return [raw(variable) for variable in variables]


def weight_name(variable) -> str:
    """Name of a weight with that of its layer."""
    return (variable.path if KERAS_3 and isinstance(variable, keras.Variable) else variable.name).removesuffix(":0")


# Optimisers ----------------------------------------------------------------------------------------------------------


def build_keras_optimizer(kind: type[keras.optimizers.Optimizer], **options) -> keras.optimizers.Optimizer:
    """An optimiser of Keras that runs without XLA and leaves the sum over replicas to the training step."""
    if not KERAS_3:
        # XLA made the photon step slower on CPU (docs/architecture.md)
        return kind(jit_compile=False, **options)
    return type(kind.__name__, (_Unreduced, kind), {})(**options)


class _Unreduced:
    """Gradients are reduced once, before the optimiser sees them."""

    def _all_reduce_sum_gradients(self, grads_and_vars):
        return grads_and_vars


def trains_by_itself(model: keras.Model) -> None:
    """Keep Keras 3 from building a compiled model, and one more optimiser for all weights, before the first step."""
    if KERAS_3:
        model.built, model.optimizer = True, None
        # it would draw a batch to do so, which fails with the batches of several processes
        model._maybe_symbolic_build = lambda **_: None


def step_outputs(means: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
    """Numbers that all replicas have alike, as a step returns them.

    Over several processes Keras 3 takes means along an axis, whatever the model asks for.
    """
    several = isinstance(tf.distribute.get_strategy(), tf.distribute.MultiWorkerMirroredStrategy)
    return {name: mean[tf.newaxis] for name, mean in means.items()} if KERAS_3 and several else means


def make_slots(optimizer, variables: Sequence) -> None:
    """Create the state of an optimiser now, so that every checkpoint holds it."""
    if hasattr(optimizer, "build"):
        optimizer.build(variables)
    else:  # the legacy interface, which tensorflow-addons still has
        optimizer._create_all_weights(variables)


def apply_gradients(optimizer, gradients: Sequence[tf.Tensor | None], variables: Sequence) -> None:
    """One step of an optimiser on gradients that are those of the global batch already."""
    pairs = zip(gradients, variables, strict=True)
    if KERAS_3:
        optimizer.apply_gradients(pairs)
    else:
        optimizer.apply_gradients(pairs, experimental_aggregate_gradients=False)


def optimizer_variables(optimizer) -> list[tf.Variable]:
    """State of an optimiser: count of updates, learning rate unless there is a schedule, slots."""
    # a method in the legacy interface of tensorflow-addons
    return raws(optimizer.variables() if callable(optimizer.variables) else optimizer.variables)


# Layers --------------------------------------------------------------------------------------------------------------


def leaky_relu_slope(layer: keras.layers.LeakyReLU) -> float:
    """Slope of a leaky ReLU below 0."""
    return float(layer.get_config()["negative_slope" if KERAS_3 else "alpha"])


def call_of(layer: keras.layers.Layer) -> tuple[Any, Any]:
    """Inputs and output of a layer in its network; what a model calls its own are those of its inside."""
    if not isinstance(layer, keras.Model):
        return layer.input, layer.output
    if not KERAS_3:
        return layer.get_input_at(0), layer.get_output_at(0)
    node = layer._inbound_nodes[-1]
    return node.input_tensors, node.output_tensors


def links(network: keras.Model) -> list[tuple[keras.layers.Layer, keras.layers.Layer]]:
    """Pairs of layers of a network of which the second takes an output of the first."""
    own, found = {id(layer) for layer in network.layers}, []
    for layer in network.layers:
        for node in layer._inbound_nodes:
            for tensor in node.input_tensors if KERAS_3 else node.keras_inputs:
                maker = _maker(tensor)
                if id(maker) in own:
                    found.append((maker, layer))
    return found


def output_layers(network: keras.Model) -> list[keras.layers.Layer]:
    """Layers that make the outputs of a network."""
    return [_maker(tensor) for tensor in network.outputs]


def _maker(tensor) -> keras.layers.Layer:
    return tensor._keras_history.operation if KERAS_3 else tensor._keras_history.layer


def exported(network: keras.Model) -> Any:
    """What a converter takes for the owner of the weights of a network."""
    if not KERAS_3:
        return network
    owner = tf.Module()
    owner.weights = raws(network.weights)
    return owner


def lite_interpreter(**options) -> tf.lite.Interpreter:
    """TensorFlow's own interpreter of TensorFlow Lite models, without the announcement of its successor."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return tf.lite.Interpreter(**options)


# Checkpoints ---------------------------------------------------------------------------------------------------------


def checkpoint_of(**parts) -> tf.train.Checkpoint:
    """Networks, optimisers and variables as a checkpoint of the same keys under either Keras, those of Keras 2.

    Parameters
    ----------
    **parts : keras.Model, keras.optimizers.Optimizer, tf.Variable
    """
    return tf.train.Checkpoint(**({name: _view(part) for name, part in parts.items()} if KERAS_3 else parts))


def _view(found) -> Any:
    """Variables below an object of Keras 3, in dictionaries and lists under the names of Keras 2."""
    match found:
        case keras.Variable():
            return found.value
        case keras.optimizers.Optimizer():
            return _optimizer_view(found)
        case keras.Model():
            weighted = [layer for layer in found.layers if layer.weights]
            return {f"layer_with_weights-{number}": _view(layer) for number, layer in enumerate(weighted)}
        case keras.layers.Layer():
            return _attributes(found)
        case dict():
            return {name: _view(item) for name, item in found.items()}
        case list() | tuple():
            return [_view(item) for item in found]
    return found


def _attributes(layer: keras.layers.Layer) -> dict[str, Any]:
    """Weights, and layers with weights, by the attribute that holds them."""
    found = {}
    for name, value in vars(layer).items():
        # some layers of Keras 3 hide the kernel behind a property
        if isinstance(value, keras.Variable):
            found[name.lstrip("_")] = _view(value)
        elif not name.startswith("_") and isinstance(value, keras.layers.Layer) and value.weights:
            found[name] = _view(value)
    return found


def _optimizer_view(optimizer: keras.optimizers.Optimizer) -> dict[str, Any]:
    if isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
        own = {name: value.value for name, value in vars(optimizer).items() if isinstance(value, keras.Variable)}
        return own | {"inner_optimizer": _optimizer_view(optimizer.inner_optimizer)}
    found: dict[str, Any] = {"_iterations": optimizer.iterations.value}
    if isinstance(optimizer._learning_rate, keras.Variable):
        found["_learning_rate"] = optimizer._learning_rate.value
    for name, value in vars(optimizer).items():
        slots = isinstance(value, list) and value and all(isinstance(item, keras.Variable) for item in value)
        if slots and name not in ("_variables", "_trainable_variables"):
            found[name] = raws(value)
    return found
