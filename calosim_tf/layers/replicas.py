"""The replicas of a data-parallel training, as losses and layers see them: a number, an index and a sum.

Each replica works on its rows of the global batch.  What has to be known of the whole batch (gradients, batch
statistics, features that are compared) goes through :meth:`Replicas.sum`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from contextvars import ContextVar

import tensorflow as tf

from calosim_tf.keras_compat import raw


class Replicas:
    """One replica that holds the whole batch; a strategy with several overrides what is marked.

    Attributes
    ----------
    number : int
        Replicas that share the global batch.
    """

    number: int = 1

    @property
    def index(self) -> tf.Tensor | int:
        """Which of them this is, 0 ... number - 1, inside a training step (overridden)."""
        return 0

    def sum(self, tensors: Sequence[tf.Tensor]) -> list[tf.Tensor]:
        """Sum of each tensor over the replicas, the same on all of them; differentiable (overridden)."""
        return list(tensors)

    def assign(self, variable: tf.Variable, value: tf.Tensor) -> None:
        """Set a variable to a value that all replicas have computed alike (overridden)."""
        raw(variable).assign(value)

    def mean(self, tensors: Sequence[tf.Tensor]) -> list[tf.Tensor]:
        """Mean of each tensor over the replicas; of means over equal shares, the mean over the global batch."""
        if self.number == 1:
            return list(tensors)
        return [total / self.number for total in self.sum(tensors)]

    def mean_gradients(self, gradients: Sequence[tf.Tensor | None]) -> list[tf.Tensor | None]:
        """Gradients of the loss of the global batch from those of the shares; None stays None."""
        if self.number == 1:
            return list(gradients)
        reduced = iter(self.mean_dense([gradient for gradient in gradients if gradient is not None]))
        return [None if gradient is None else next(reduced) for gradient in gradients]

    def mean_dense(self, gradients: Sequence[tf.Tensor]) -> list[tf.Tensor]:
        """Mean of gradients, which a strategy may send in fewer bits or pieces (may be overridden)."""
        return self.mean(gradients)

    def gather(self, rows: tf.Tensor) -> tf.Tensor:
        """Rows of all replicas in the order of the global batch, with gradients to each.

        Parameters
        ----------
        rows : tensor, shape (rows of this replica, ...)
            As many on every replica.
        """
        if self.number == 1:
            return rows
        # a sum over zero-padded rows: one primitive to carry gradients instead of two
        own = tf.one_hot(self.index, self.number, dtype=rows.dtype)
        own = tf.reshape(own, (self.number, *[1] * len(rows.shape)))
        (everything,) = self.sum([own * rows[tf.newaxis]])
        return tf.reshape(everything, tf.concat([[-1], tf.shape(rows)[1:]], axis=0))

    def own_rows(self, everything: tf.Tensor, shape, axis: int = 0) -> tf.Tensor:
        """The part of this replica, of the given shape, of a tensor whose ``axis`` runs over the global batch."""
        begin = [0] * len(everything.shape)
        begin[axis] = self.index * shape[axis]
        return tf.slice(everything, begin, shape)


ALONE = Replicas()

_active: ContextVar[Replicas] = ContextVar("replicas", default=ALONE)


def active_replicas() -> Replicas:
    """Replicas of the training step that is being traced; one alone outside of a step."""
    return _active.get()


@contextlib.contextmanager
def step_of(replicas: Replicas) -> Iterator[None]:
    """Let the layers called inside know the replicas of this step."""
    token = _active.set(replicas)
    try:
        yield
    finally:
        _active.reset(token)
