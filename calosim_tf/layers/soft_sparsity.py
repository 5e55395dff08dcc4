"""Fraction of cells with energy, hard or differentiable (Conditional CaloGAN, section 5)."""

from __future__ import annotations

import keras
import tensorflow as tf

# alpha and beta of each form: the release code of Conditional CaloGAN; the same numbers for the printed equation, which
# gives none; an earlier version of that code.
EXPONENTS = {"authors": (6.0, 1.2), "literal": (6.0, 1.2), "root": (5.0, 5.0), "hard": (1.0, 1.0)}
# |x|^0.83 has an infinite derivative at 0, and empty cells are common; moves the value of an empty cell by 1.5e-6 at
# most.
GUARD_GEV = 1e-7


class SoftSparsity(keras.layers.Layer):
    """Mean over cells of a function that represents "has energy".

    Parameters
    ----------
    form : {'authors', 'literal', 'root', 'hard'}
        With x the cell's energy in GeV and s(u) = u / (1 + u):

        ``authors``: s(|x|^alpha + |x|^(1/beta)), the release code.  0 at x = 0, and small for a small energy: it
        follows the occupancy but is far below it.
        ``literal``: s(|x|^alpha + |x|^(-beta)), equation 5 as printed.  1 at x = 0 and close to 1 around it, so it says
        nothing on real showers: an erratum.
        ``root``: s(|x|^alpha + |x|^(1/beta))^(1/beta), an earlier version of the code; the only one that tends to the
        occupancy, for large exponents.  Its derivative grows without bound towards x = 0 and is taken as 0 there.
        ``hard``: 1 for x > 0, the original CaloGAN; no gradient.
    alpha, beta : float or None
        Positive exponents; ``None`` is the value of ``EXPONENTS``.

    Notes
    -----
    Input (batch, ...) in GeV, output (batch, 1).
    """

    def __init__(self, form: str = "authors", alpha: float | None = None, beta: float | None = None, **options):
        super().__init__(**options)
        default_alpha, default_beta = EXPONENTS[form]
        self.form = form
        self.alpha = default_alpha if alpha is None else alpha
        self.beta = default_beta if beta is None else beta

    def call(self, inputs):
        """Sparsity of each shower, shape (batch, 1)."""
        return tf.reduce_mean(self._of_cells(inputs), axis=list(range(1, len(inputs.shape))))[:, tf.newaxis]

    def _of_cells(self, energy):
        if self.form == "hard":
            return tf.cast(energy > 0.0, energy.dtype)
        if self.form == "root":
            # A guard that is added would count an empty cell as half: (1e-7)^(1/25) = 0.52
            filled = tf.abs(energy) > 0.0
            size = tf.where(filled, tf.abs(energy), tf.ones_like(energy))
            share = _share(size**self.alpha + size ** (1.0 / self.beta)) ** (1.0 / self.beta)
            return tf.where(filled, share, tf.zeros_like(energy))
        size = tf.abs(energy) + GUARD_GEV
        return _share(size**self.alpha + size ** (1.0 / self.beta if self.form == "authors" else -self.beta))

    def compute_output_shape(self, input_shape):
        """(batch, 1)."""
        return (input_shape[0], 1)

    def get_config(self):
        """Arguments of the layer."""
        return {**super().get_config(), "form": self.form, "alpha": self.alpha, "beta": self.beta}


def _share(u):
    return u / (1.0 + u)
