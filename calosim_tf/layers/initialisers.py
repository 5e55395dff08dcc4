"""Laws of the initial weights."""

from __future__ import annotations

import keras


def initial_weights(initialiser: str, fan_in: int, seed: int) -> dict[str, keras.initializers.Initializer]:
    """Initialisers of kernel and bias, as keyword arguments of a dense or convolution layer.

    Parameters
    ----------
    initialiser : {'pytorch', 'glorot_uniform'}
        ``pytorch``: kernel and bias uniform within 1 / sqrt(fan_in), what a PyTorch layer starts from when its author
        chooses nothing; ``glorot_uniform``: what a Keras layer starts from, with zero bias.
    fan_in : int
        Kernel entries that meet in one number: inputs times window.  PyTorch counts the *outputs* times window of a
        transposed convolution, because its kernels are stored (in, out, rows, columns).
    seed : int
        The bias takes the next one.

    Raises
    ------
    ValueError
        Unknown name.
    """
    if initialiser == "glorot_uniform":
        return {"kernel_initializer": keras.initializers.GlorotUniform(seed=seed), "bias_initializer": "zeros"}
    if initialiser != "pytorch":
        raise ValueError(f"initialiser {initialiser!r} is not one of pytorch, glorot_uniform")
    bound = fan_in**-0.5
    return {
        "kernel_initializer": keras.initializers.RandomUniform(-bound, bound, seed=seed),
        "bias_initializer": keras.initializers.RandomUniform(-bound, bound, seed=seed + 1),
    }
