"""Finds the first number of an iteration that is not finite: weight, data, loss term or gradient.

The checks are part of the traced step: one sum of squares per tensor, computed at memory speed.  It is not finite when
one number is not, or when the square overflows, which no optimiser can handle either.  The result is one integer per
iteration; its name is looked up outside of the graph, and only when something is wrong.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import keras
import tensorflow as tf

from calosim_tf.keras_compat import raws, weight_name


class Guard:
    """The checks of one traced training step, in the order of the computation.

    While the step is traced, :meth:`begin`, :meth:`check` for each update, and :meth:`end` are called once each.

    Attributes
    ----------
    names : list of str
        Meaning of code 1, 2, ...
    """

    def __init__(self):
        self.names: list[str] = []
        self._codes: list[tf.Tensor] = []
        self._updates = 0
        self._found = tf.Variable(
            0,
            dtype=tf.int32,
            trainable=False,
            name="guard",
            aggregation=tf.VariableAggregation.ONLY_FIRST_REPLICA,
        )

    def begin(self, networks: Iterable[keras.Model]) -> None:
        """Check all weights and moving statistics at the start of the iteration."""
        self.names, self._codes, self._updates = [], [], 0
        variables = [variable for network in networks for variable in network.variables]
        self._add([f"weight {weight_name(variable)}" for variable in variables], raws(variables))

    def check(self, terms: Mapping[str, tf.Tensor], gradients: Sequence[tf.Tensor], variables: Sequence) -> None:
        """Check the terms of one update and then the gradients made from them."""
        self._updates += 1
        where = f"in update {self._updates}"
        self._add([f"{name} {where}" for name in terms], list(terms.values()))
        self._add([f"gradient of {weight_name(variable)} {where}" for variable in variables], gradients)

    def end(self, data: Sequence[tf.Tensor]) -> None:
        """Keep the code of the first fault; showers and conditions are looked at when there is one behind weights."""
        weights, *updates = self._codes
        later = _first(updates)
        self.names.append("training data (showers or conditions)")
        data_code = len(self.names)

        def cause() -> tf.Tensor:
            sound = tf.reduce_all([_is_finite(tensor) for tensor in data])
            return tf.where(sound, later, data_code)

        later = tf.cond(later > 0, cause, lambda: tf.constant(0))
        self._found.assign(tf.where(weights > 0, weights, later))

    def first_fault(self) -> str | None:
        """Name of the first number of the last iteration that was not finite."""
        code = int(self._found.numpy())
        return self.names[code - 1] if code else None

    def _add(self, names: list[str], tensors: Sequence[tf.Tensor]) -> None:
        """One code for a group: 0, or the number of the first name whose tensor is not finite."""
        first = len(self.names) + 1
        self.names += names
        flags = tf.stack([_is_finite(tensor) for tensor in tensors])
        position = tf.argmin(tf.cast(flags, tf.int32), output_type=tf.int32)
        self._codes.append(tf.where(tf.reduce_all(flags), 0, first + position))


def _is_finite(tensor: tf.Tensor | None) -> tf.Tensor:
    if tensor is None:
        return tf.constant(True)
    tensor = tf.convert_to_tensor(tensor)
    return tf.math.is_finite(tf.nn.l2_loss(tensor)) if tensor.dtype.is_floating else tf.constant(True)


def _first(codes: list[tf.Tensor]) -> tf.Tensor:
    """The first code that is not 0."""
    stacked = tf.stack(codes)
    return tf.gather(stacked, tf.argmax(tf.cast(stacked > 0, tf.int32)))
