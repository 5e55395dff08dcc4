"""Means and widths that follow the incident energy: a table as weights, linear between its knots."""

from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf


@keras.saving.register_keras_serializable("calosim_tf")
class EnergyTable(keras.layers.Layer):
    """Rows of a table at the energy of each shower.

    Input: ln of the energy, (batch, 1).  Output: (batch, values), and with ``position`` also where the energy lies in
    the range of the knots, from -1 to 1, (batch, 1).  Beyond its ends the table stays as it is there.

    Parameters
    ----------
    knots : int
    values : int
    position : bool
    """

    def __init__(self, knots: int, values: int, position: bool = False, **options):
        super().__init__(**options)
        self.n_knots = knots
        self.n_values = values
        self.position = position

    def build(self, input_shape):
        """Weights that no optimiser changes; evenly spread knots until :meth:`fill`."""
        super().build(input_shape)
        # 100 MeV to 1 TeV: an untrained network makes finite showers
        spread = keras.initializers.Constant(np.linspace(4.6, 13.8, self.n_knots))
        self.knots = self.add_weight(name="knots", shape=(self.n_knots,), initializer=spread, trainable=False)
        self.table = self.add_weight(
            name="table", shape=(self.n_knots, self.n_values), initializer="ones", trainable=False
        )

    def fill(self, log_energy: np.ndarray, rows: np.ndarray) -> None:
        """Take a table of other knots.

        Parameters
        ----------
        log_energy : ndarray, shape (k,)
            Ascending.
        rows : ndarray, shape (k, values)

        Notes
        -----
        Fewer knots than the layer has are filled up in the middle of the widest gaps, which changes no value between
        them; of more, the layer's number is spread evenly over them.
        """
        knots = np.asarray(log_energy, dtype=np.float64)
        while len(knots) < self.n_knots:
            widest = int(np.argmax(np.diff(knots)))
            knots = np.insert(knots, widest + 1, knots[widest : widest + 2].mean())
        if len(knots) > self.n_knots:
            knots = np.interp(np.linspace(0, len(knots) - 1, self.n_knots), np.arange(len(knots)), knots)
        columns = [np.interp(knots, log_energy, column) for column in np.asarray(rows, dtype=np.float64).T]
        self.set_weights([knots, np.stack(columns, axis=1)])

    def call(self, inputs):
        """Rows at these energies."""
        first, last = self.knots[0], self.knots[-1]
        inside = tf.clip_by_value(inputs, first, last)
        steps = self.knots[1:] - self.knots[:-1]
        # the ends of the outermost hats lie outside of the range
        widths = tf.concat([tf.ones(1), steps, tf.ones(1)], axis=0)
        below = tf.concat([self.knots[:1] - 1.0, self.knots[:-1]], axis=0)
        above = tf.concat([self.knots[1:], self.knots[-1:] + 1.0], axis=0)
        hats = tf.nn.relu(tf.minimum((inside - below) / widths[:-1], (above - inside) / widths[1:]))
        # at the ends the hat towards the outside is cut at 1 by the other side
        rows = tf.matmul(hats, self.table)
        if not self.position:
            return rows
        return rows, 2.0 * (inside - first) / (last - first) - 1.0

    def get_config(self):
        """Arguments of the layer."""
        options = {"knots": self.n_knots, "values": self.n_values, "position": self.position}
        return {**super().get_config(), **options}
