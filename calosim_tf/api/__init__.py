"""The package for Python programs: ``import calosim_tf`` has these names (no TensorFlow before a network needs it)."""

from calosim_tf.api.evaluation import evaluate as evaluate
from calosim_tf.api.generator import Generator as Generator
from calosim_tf.api.generator import GeneratorInfo as GeneratorInfo
from calosim_tf.api.loading import generate as generate
from calosim_tf.api.loading import load as load
from calosim_tf.api.showers import Showers as Showers
from calosim_tf.api.showers import open_showers as open_showers
from calosim_tf.api.training import TrainedRun as TrainedRun
from calosim_tf.api.training import train as train
from calosim_tf.errors import CalosimError as CalosimError
from calosim_tf.errors import CalosimWarning as CalosimWarning
