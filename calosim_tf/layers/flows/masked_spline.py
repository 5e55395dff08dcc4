"""A block of a flow: a masked network (MADE, Germain et al. 2015) gives each feature a spline that depends on those
before it.
"""

from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf

from calosim_tf.layers.flows.spline import PARAMETERS, inverse_spline, spline
from calosim_tf.layers.initialisers import initial_weights
from calosim_tf.layers.seeded_dropout import SeededDropout

DIRECTIONS = ("density", "sampling")
# Up to so many features are solved for without a loop, which every export format can hold (our choice)
MOST_UNROLLED = 16
# Seeds that one block takes
SEEDS = 8
# Nothing here depends on the value of a tensor, and AutoGraph would take most of the time of a build
as_it_is = tf.autograph.experimental.do_not_convert


@keras.saving.register_keras_serializable("calosim_tf")
class MaskedSpline(keras.layers.Layer):
    """Invertible map of features, by splines whose parameters come from a masked network and a context.

    One direction takes one pass through the network, the other one pass for each feature: the parameters of a feature
    depend on the features before it, on the side that the fast direction starts from.  Called with
    ``[latent, context]`` the layer samples; :meth:`density` goes the other way.

    Parameters
    ----------
    units : int
        Width of the hidden layers.
    hidden_layers : int
        Masked hidden layers behind the first.
    fast : {'density', 'sampling'}
        ``density``: masked autoregressive flow, a teacher; ``sampling``: inverse autoregressive flow, a student.
    dropout : float
        In training, behind each of the ``hidden_layers``.
    index : int
        Number of the block in its network: blocks draw their dropout apart.
    seed : int
        Of the initial weights, uniform within 1 / sqrt(inputs) as in PyTorch.

    Notes
    -----
    Input i has degree i, from 1; hidden unit j has degree j mod (features - 1) + 1; a hidden unit sees degrees up to
    its own, the parameters of a feature those below its own.  With fewer units than features - 1 no unit has a high
    degree: the last features condition none in this block, as in the authors' code, and permutations between blocks
    bring them in.

    Kernels are 0 from the start where they are masked.  Training multiplies by the mask, so that no gradient moves them
    from there; at inference they are used as they are.
    """

    def __init__(
        self,
        units: int,
        hidden_layers: int = 1,
        fast: str = "density",
        dropout: float = 0.0,
        index: int = 0,
        seed: int = 0,
        **options,
    ):
        super().__init__(**options)
        self.units = units
        self.hidden_layers = hidden_layers
        self.fast = fast
        self.dropout = dropout
        self.index = index
        self.seed = seed
        self._dropouts = [
            SeededDropout(dropout, index * hidden_layers + place, dtype=self.compute_dtype)
            for place in range(hidden_layers)
        ]

    def build(self, input_shape):
        """Weights for these numbers of features and of context."""
        self.features, size = (shape[-1] for shape in input_shape)
        units, seed = self.units, self.seed
        inner = np.arange(units) % (self.features - 1) + 1
        outer = np.arange(1, self.features + 1)
        # what is at least as large as what it sees; of the output strictly larger
        self.degrees = {
            "input": (outer, inner),
            "hidden": (inner, inner),
            "output": (inner + 1, np.repeat(outer, PARAMETERS)),
        }
        self.input_kernel = self._kernel("input", (self.features, units), seed)
        self.input_bias = self._weight("input_bias", (units,), self.features, seed + 1)
        self.context_kernel = self._weight("context_kernel", (size, units), size, seed + 2)
        self.context_bias = self._weight("context_bias", (units,), size, seed + 3)
        self.hidden_kernel = self._kernel("hidden", (self.hidden_layers, units, units), seed + 4)
        self.hidden_bias = self._weight("hidden_bias", (self.hidden_layers, units), units, seed + 5)
        self.output_kernel = self._kernel("output", (units, PARAMETERS * self.features), seed + 6)
        self.output_bias = self._weight("output_bias", (PARAMETERS * self.features,), units, seed + 7)
        self.built = True

    @as_it_is
    def call(self, inputs, training=False):
        """Features of these latent numbers, shape (batch, features)."""
        latent, context = inputs
        return self.sample(latent, context, training)[0]

    @as_it_is
    def sample(self, latent, context, training=False):
        """Features, the logarithm of the determinant of the map to them, and spline parameters.

        Parameters
        ----------
        latent : tensor, shape (batch, features)
        context : tensor, shape (batch, size of the context)
        training : bool

        Returns
        -------
        tuple
            Of tensors (batch, features), (batch,) and (features, 23, batch); None for the last of a slow direction.
        """
        if self.fast == "sampling":
            return self._one_pass(latent, context, inverse_spline, training)
        return self._one_by_one(latent, context, inverse_spline)

    @as_it_is
    def density(self, features, context, training=False):
        """Latent numbers of these features; as :meth:`sample`."""
        if self.fast == "density":
            return self._one_pass(features, context, spline, training)
        return self._one_by_one(features, context, spline)

    def parameters(self, inputs, context, training=False):
        """Spline parameters of all features, shape (features, 23, batch)."""
        first = tf.matmul(inputs, self._masked("input", training)) + self._first(context)
        hidden = self._hidden(first, training)
        # the batch goes last, which splines are fastest with
        raw = tf.matmul(self._masked("output", training), hidden, transpose_a=True, transpose_b=True)
        raw = raw + tf.convert_to_tensor(self.output_bias)[:, tf.newaxis]
        return tf.reshape(raw, (self.features, PARAMETERS, -1))

    def compute_output_shape(self, input_shape):
        """The shape of the latent numbers."""
        return tuple(input_shape[0])

    def get_config(self):
        """Arguments of the layer."""
        names = ("units", "hidden_layers", "fast", "dropout", "index", "seed")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}

    def _one_pass(self, inputs, context, curve, training):
        inputs, context = (tf.cast(tensor, self.compute_dtype) for tensor in (inputs, context))
        raw = self.parameters(inputs, context, training)
        outputs, log_slope = curve(tf.transpose(inputs), raw)
        return tf.transpose(outputs), tf.reduce_sum(log_slope, axis=0), raw

    def _one_by_one(self, inputs, context, curve):
        """Each feature by a curve whose parameters follow from those found before it.

        A pass computes what it needs: the first layer grows by one feature, the last one gives one feature's
        parameters.  The numbers are those of passes through the whole network.
        """
        inputs, context = (tf.cast(tensor, self.compute_dtype) for tensor in (inputs, context))
        first = self._first(context)

        def solved(place, first, log_det):
            begin = place * PARAMETERS
            kernel = tf.slice(self.output_kernel, [0, begin], [self.units, PARAMETERS])
            raw = tf.matmul(kernel, self._hidden(first), transpose_a=True, transpose_b=True)
            raw = raw + tf.slice(self.output_bias, [begin], [PARAMETERS])[:, tf.newaxis]
            found, log_slope = curve(tf.gather(inputs, place, axis=1), raw)
            return found, first + found[:, tf.newaxis] * tf.gather(self.input_kernel, place), log_det + log_slope

        log_det = tf.zeros_like(inputs[:, 0])
        if self.features <= MOST_UNROLLED:
            columns = []
            for place in range(self.features):
                found, first, log_det = solved(place, first, log_det)
                columns.append(found)
            return tf.stack(columns, axis=1), log_det, None

        def step(place, first, log_det, columns):
            found, first, log_det = solved(place, first, log_det)
            return place + 1, first, log_det, columns.write(place, found)

        columns = tf.TensorArray(inputs.dtype, self.features, element_shape=(inputs.shape[0],))
        start = (tf.constant(0), first, log_det, columns)
        _, _, log_det, columns = tf.while_loop(
            lambda place, *_: place < self.features, step, start, maximum_iterations=self.features
        )
        return tf.ensure_shape(tf.transpose(columns.stack()), (None, self.features)), log_det, None

    def _first(self, context) -> tf.Tensor:
        """What the first layer has without features, shape (batch, units)."""
        return self.input_bias + tf.nn.relu(tf.matmul(context, self.context_kernel) + self.context_bias)

    def _hidden(self, first, training=False) -> tf.Tensor:
        hidden = tf.nn.relu(first)
        kernels, biases = (
            tf.unstack(self._masked("hidden", training)),
            tf.unstack(tf.convert_to_tensor(self.hidden_bias)),
        )
        for kernel, bias, dropout in zip(kernels, biases, self._dropouts, strict=True):
            hidden = dropout(tf.nn.relu(tf.matmul(hidden, kernel) + bias), training=training)
        return hidden

    def _masked(self, which: str, training: bool) -> tf.Tensor:
        kernel = tf.convert_to_tensor(getattr(self, f"{which}_kernel"))
        if not training:
            return kernel
        before, after = (tf.constant(degrees) for degrees in self.degrees[which])
        # made in the graph: as a constant, the mask of the output would be as large as the kernel
        return kernel * tf.cast(after >= before[:, tf.newaxis], kernel.dtype)

    def _kernel(self, which: str, shape: tuple[int, ...], seed: int):
        before, after = self.degrees[which]
        start = initial_weights("pytorch", shape[-2], seed)["kernel_initializer"]

        def masked(shape, dtype=None):
            kernel = start(shape, dtype=dtype)
            return kernel * tf.cast(after >= before[:, np.newaxis], kernel.dtype)

        return self.add_weight(name=f"{which}_kernel", shape=shape, initializer=masked)

    def _weight(self, name: str, shape: tuple[int, ...], fan_in: int, seed: int):
        start = initial_weights("pytorch", fan_in, seed)["kernel_initializer"]
        return self.add_weight(name=name, shape=shape, initializer=start)
