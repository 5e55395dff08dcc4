"""Settings of Keras that all networks here are built with."""

from __future__ import annotations

import keras


def set_keras_defaults() -> None:
    """float32 and channels last, whatever a ``keras.json`` or another package in this process has set.

    Layers take these when they are made; Keras has no other place for them than the process.
    """
    keras.backend.set_floatx("float32")
    keras.backend.set_epsilon(1e-7)
    keras.backend.set_image_data_format("channels_last")
    if keras.mixed_precision.global_policy().name != "float32":
        keras.mixed_precision.set_global_policy("float32")
