"""Loss scaling for float16, whose gradients below 6e-8 are 0 and above 65504 infinite (Micikevicius et al. 2018).

The loss is multiplied by a power of two and the gradients are divided by it.  The factor halves when a gradient
overflows, and that update is left out; it doubles after a number of sound updates.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence

import tensorflow as tf

from calosim_tf.layers.replicas import Replicas

# Of Keras' LossScaleOptimizer, which differs between Keras 2 and 3, adds up over replicas by itself in one of them, and
# takes one optimiser per loss
FIRST_SCALE = 2.0**15
SOUND_UPDATES = 2000
LEAST_SCALE = 1.0


class LossScale:
    """The factor of one loss, which follows its gradients.

    Parameters
    ----------
    replicas : Replicas
        Those that share the global batch; gradients are known to be those of all of them.

    Attributes
    ----------
    state : dict of tf.Variable
        ``scale`` and ``sound_updates`` since it last changed, as a checkpoint keeps them.
    """

    def __init__(self, replicas: Replicas):
        self.replicas = replicas
        alike = {"trainable": False, "aggregation": tf.VariableAggregation.ONLY_FIRST_REPLICA}
        self.state = {
            "scale": tf.Variable(FIRST_SCALE, name="loss_scale", **alike),
            "sound_updates": tf.Variable(0, dtype=tf.int32, name="sound_updates", **alike),
        }
        self._sound: tf.Tensor | None = None

    def scaled(self, loss: tf.Tensor) -> tf.Tensor:
        """The loss to differentiate."""
        return loss * self.state["scale"]

    def unscaled(self, gradients: Sequence[tf.Tensor | None]) -> tuple[list, list]:
        """Gradients of the loss itself, and the same as a check should see them.

        Returns
        -------
        gradients : list
            0 where one of them has overflowed.
        faulty : list
            Not finite only where no smaller factor can help.
        """
        scale = self.state["scale"]
        found = [None if gradient is None else gradient / scale for gradient in gradients]
        self._sound = tf.reduce_all([tf.reduce_all(tf.math.is_finite(one)) for one in found if one is not None])
        shown = self._sound | (scale <= LEAST_SCALE)
        return _where(self._sound, found), _where(shown, found)

    @contextlib.contextmanager
    def undone_where_overflown(self, state: Sequence[tf.Variable]) -> Iterator[None]:
        """Put ``state`` back to what it was when the gradients have overflowed, and change the factor.

        Optimisers meet other replicas while they apply gradients, which cannot be done on a condition.
        """
        sound = self._sound
        before = [tf.identity(variable) for variable in state]
        yield
        for variable, value in zip(state, before, strict=True):
            self.replicas.assign(variable, tf.where(sound, tf.convert_to_tensor(variable), value))
        scale, updates = self.state["scale"], self.state["sound_updates"]
        grows = sound & (updates + 1 >= SOUND_UPDATES)
        lower = tf.maximum(scale / 2.0, LEAST_SCALE)
        new = tf.where(grows, scale * 2.0, tf.where(sound, tf.convert_to_tensor(scale), lower))
        self.replicas.assign(updates, tf.where(sound & ~grows, updates + 1, 0))
        self.replicas.assign(scale, new)


def _where(kept: tf.Tensor, gradients: Sequence[tf.Tensor | None]) -> list[tf.Tensor | None]:
    return [None if one is None else tf.where(kept, one, tf.zeros_like(one)) for one in gradients]
