"""Networks that judge showers; the only part of the evaluation that uses TensorFlow."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import keras
import numpy as np
import tensorflow as tf

from calosim_tf.progress import progress

# PyTorch's, in which the CaloChallenge's classifier is written
ADAM_EPSILON = 1e-8
PREDICTED_AT_ONCE = 10_000


@dataclass(frozen=True)
class NetworkSettings:
    """A stack of dense layers and its training.

    Attributes
    ----------
    widths : tuple of int
        Of the hidden layers.
    epochs, batch_size : int
    learning_rate : float
        Of Adam.
    slope : float
        Of the leaky rectifier.
    """

    widths: tuple[int, ...]
    epochs: int
    batch_size: int
    learning_rate: float
    slope: float = 0.01


class TrainedNetwork:
    """The network at its best epoch."""

    def __init__(self, model: keras.Model, hidden: keras.Model):
        self._model, self._hidden = model, hidden

    def logits(self, inputs: np.ndarray) -> np.ndarray:
        """Outputs before any activation, shape (n, outputs)."""
        return _in_parts(self._model, inputs)

    def features(self, inputs: np.ndarray) -> np.ndarray:
        """Values of the last hidden layer, shape (n, width)."""
        return _in_parts(self._hidden, inputs)


def _in_parts(model: keras.Model, inputs: np.ndarray) -> np.ndarray:
    starts = range(0, len(inputs), PREDICTED_AT_ONCE)
    parts = [model(inputs[start : start + PREDICTED_AT_ONCE], training=False).numpy() for start in starts]
    return np.concatenate(parts).astype(np.float64)


def train_network(
    inputs: np.ndarray,
    labels: np.ndarray,
    selection: tuple[np.ndarray, np.ndarray],
    settings: NetworkSettings,
    seed: int,
    label: str = "classifier",
) -> TrainedNetwork:
    """Train on classes; the epoch with the best accuracy on the selection set is kept.

    Two classes have one logit and the binary cross-entropy, more classes as many logits.  Single precision.

    Parameters
    ----------
    inputs : ndarray, shape (n, d)
    labels : ndarray of int, shape (n,)
        From 0.
    selection : tuple of ndarray, shape (m, d) and (m,)
        Showers that are not trained on.
    settings : NetworkSettings
    seed : int
        Of initial weights and order.
    label : str
        For the progress bar.
    """
    outputs = int(max(labels.max(), selection[1].max())) + 1
    model, hidden = _build(inputs.shape[1], 1 if outputs == 2 else outputs, settings, seed)
    step = _step(model, keras.optimizers.Adam(learning_rate=settings.learning_rate, epsilon=ADAM_EPSILON))
    inputs, labels = inputs.astype(np.float32), labels.astype(np.int32)
    selected = selection[0].astype(np.float32)
    order = np.random.Generator(np.random.Philox(seed))
    best, best_weights = -1.0, model.get_weights()
    for _ in progress(range(settings.epochs), settings.epochs, label):
        for rows in _batches(order.permutation(len(labels)), settings.batch_size):
            step(tf.constant(inputs[rows]), tf.constant(labels[rows]))
        accuracy = _accuracy(_in_parts(model, selected), selection[1])
        if accuracy > best:
            best, best_weights = accuracy, model.get_weights()
    model.set_weights(best_weights)
    return TrainedNetwork(model, hidden)


def _build(d: int, outputs: int, settings: NetworkSettings, seed: int) -> tuple[keras.Model, keras.Model]:
    """The network and its part up to the last hidden layer, with PyTorch's initial weights."""
    values = inputs = keras.Input((d,))
    for index, width in enumerate((*settings.widths, outputs)):
        fan_in, last = values.shape[-1], index == len(settings.widths)
        if last:
            hidden = keras.Model(inputs, values)
        bound = fan_in**-0.5
        starts = [
            keras.initializers.RandomUniform(-bound, bound, seed=seed * 100 + 2 * index + part) for part in (0, 1)
        ]
        activation = None if last else _leaky(settings.slope)
        values = keras.layers.Dense(width, activation, kernel_initializer=starts[0], bias_initializer=starts[1])(values)
    return keras.Model(inputs, values), hidden


def _leaky(slope: float) -> Callable[[tf.Tensor], tf.Tensor]:
    return lambda values: tf.nn.leaky_relu(values, alpha=slope)


def _step(model: keras.Model, optimiser: keras.optimizers.Optimizer) -> Callable[[tf.Tensor, tf.Tensor], None]:
    binary = model.output_shape[-1] == 1

    @tf.function(reduce_retracing=True)
    def step(inputs: tf.Tensor, labels: tf.Tensor) -> None:
        with tf.GradientTape() as tape:
            logits = model(inputs, training=True)
            if binary:
                targets = tf.cast(labels, logits.dtype)
                terms = tf.nn.sigmoid_cross_entropy_with_logits(labels=targets, logits=logits[:, 0])
            else:
                terms = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits)
            loss = tf.reduce_mean(terms)
        weights = model.trainable_variables
        optimiser.apply_gradients(zip(tape.gradient(loss, weights), weights, strict=True))

    return step


def _batches(order: np.ndarray, size: int) -> Iterator[np.ndarray]:
    """Whole batches of an order, and the rest of it where it fills half of a batch (or there is no other)."""
    for start in range(0, len(order), size):
        rows = order[start : start + size]
        if len(rows) >= size / 2 or start == 0:
            yield rows


def _accuracy(logits: np.ndarray, labels: np.ndarray) -> float:
    chosen = logits[:, 0] > 0 if logits.shape[1] == 1 else logits.argmax(axis=1)
    return float(np.mean(chosen == labels))
