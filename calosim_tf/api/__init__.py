"""The package for Python programs: ``import calosim_tf`` has these names (no TensorFlow before a network needs it)."""

from calosim_tf.api.evaluation import evaluate
from calosim_tf.api.generator import Generator, GeneratorInfo, generate, load
from calosim_tf.api.showers import Showers, open_showers
from calosim_tf.api.training import TrainedRun, train
from calosim_tf.errors import CalosimError, CalosimWarning

__all__ = [
    "CalosimError",
    "CalosimWarning",
    "Generator",
    "GeneratorInfo",
    "Showers",
    "TrainedRun",
    "evaluate",
    "generate",
    "load",
    "open_showers",
    "train",
]
