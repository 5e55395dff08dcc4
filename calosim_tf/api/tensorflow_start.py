"""What has to be said to TensorFlow before it starts (imports it)."""

from __future__ import annotations

import logging
import os
import sys

from calosim_tf.errors import ConfigError
from calosim_tf.quiet import import_tensorflow_quietly


def start_tensorflow(threads: int) -> None:
    """Import it without its start-up notes, which look like errors, and with as many threads; 0 for its own choice.

    Raises
    ------
    ConfigError
        It has started in this process with other threads.
    """
    # a variable that is set already is left alone
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    if "tensorflow" not in sys.modules:
        import_tensorflow_quietly()
        # its remarks on retracing go through Python's logging
        logging.getLogger("tensorflow").setLevel(logging.ERROR)
    if not threads:
        return
    from calosim_tf.training.strategies.devices import set_threads

    try:
        set_threads(threads)
    except RuntimeError as error:
        raise ConfigError(
            f"threads: found {threads}, but TensorFlow has started in this process: expected it with the first "
            "generator or training"
        ) from error
