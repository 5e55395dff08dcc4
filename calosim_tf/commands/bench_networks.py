"""Networks of a generator as they are timed without a bundle."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from calosim_tf.inference.backends import WITH_TENSORFLOW, format_of

if TYPE_CHECKING:
    import keras
    import numpy as np

    from calosim_tf.benchmark.roofline import NetworkCost
    from calosim_tf.config import Experiment
    from calosim_tf.inference.engine import Engine

FRESH = "freshly initialised"


@dataclass(frozen=True)
class TimedNetwork:
    """A generator, or the one of a member of a split.

    Attributes
    ----------
    experiment : Experiment
    network : keras.Model
    weights : str
        Where they come from, in words.
    """

    experiment: Experiment
    network: keras.Model
    weights: str

    def cost(self) -> NetworkCost:
        """What a shower takes."""
        from calosim_tf.benchmark.roofline import NetworkCost
        from calosim_tf.export.cost import multiply_adds
        from calosim_tf.export.parts import raw_function

        inputs = sum(self.network.input[name].shape[1] for name in ("latent", "condition"))
        work = multiply_adds(raw_function(self.network, batch=1).graph)
        return NetworkCost(work, self.network.count_params(), inputs + self.n_outputs)

    @property
    def n_outputs(self) -> int:
        """Numbers of a shower."""
        return math.prod(self.network.output.shape[1:])


def networks_of(name: str) -> list[TimedNetwork]:
    """Those of an experiment (new weights), or of a run or ``pretrained:NAME`` (its own); one, but for splits.

    Raises
    ------
    RunFolderError
        It is neither.
    """
    from calosim_tf.data.bundled import run_path
    from calosim_tf.experiments import EXPERIMENTS
    from calosim_tf.training.build import build_generator
    from calosim_tf.training.load import in_words, load_network
    from calosim_tf.training.run_folder import RunFolder

    if name in EXPERIMENTS:
        whole = EXPERIMENTS[name]
        own = [whole.experiment(member) for member in whole.members] or [whole]
        return [TimedNetwork(one, build_generator(one), FRESH) for one in own]
    run = RunFolder(run_path(name))
    runs = [run.member(member.name) for member in run.experiment().members] or [run]
    found = [(one.experiment(), *load_network(one)) for one in runs]
    return [
        TimedNetwork(experiment, generator.network, in_words((iteration,)))
        for experiment, generator, iteration in found
    ]


def engine_of(timed: TimedNetwork, backend: str, batch: int) -> Engine:
    """The network in a back end that is not TensorFlow, for calls of up to a batch.

    Raises
    ------
    UnsupportedFormat
        The format of the back end cannot hold the network.
    """
    from calosim_tf.bundle.formats import FORMATS
    from calosim_tf.inference.parallel import rows_in_cache

    kind = FORMATS[format_of(backend, "float32")]
    return kind.function("network_engine")(timed.network, min(batch, rows_in_cache(timed.n_outputs)))


def timed_call(
    timed: TimedNetwork, backend: str, batch: int, threads: int, engine: Engine | None = None
) -> Callable[[], np.ndarray]:
    """A call that makes one batch, inputs ready in memory; in this engine, if one is there already."""
    from calosim_tf.benchmark.keras_network import network_call, network_inputs

    network = timed.network
    latent, condition = network_inputs(network, timed.experiment.network.latent, batch)
    if backend in WITH_TENSORFLOW:
        call = network_call(network, jit_compile=backend == "xla")
        return lambda: call(latent, condition)

    from calosim_tf.inference.parallel import ParallelNetwork

    found = engine or engine_of(timed, backend, batch)
    return ParallelNetwork(found, threads, timed.n_outputs).call_on(latent, condition)
