"""Load the judged generator of a run, or of a pretrained bundle, for generation and evaluation."""

from __future__ import annotations

from calosim_tf.geometry import get_detector
from calosim_tf.inference.routing import RoutedShowerGenerator
from calosim_tf.inference.sampler import ShowerSampler
from calosim_tf.inference.sampler import in_words as in_words
from calosim_tf.keras_compat import checkpoint_of
from calosim_tf.layers.precision import in_precision
from calosim_tf.shower_generator import ShowerGenerator
from calosim_tf.training.build import build_generator
from calosim_tf.training.checkpoint import CheckpointStore
from calosim_tf.training.run_folder import RunFolder


def judged_part(run: RunFolder) -> str:
    """Name under which a checkpoint holds the judged generator: ``average`` or ``generator``."""
    return "average" if run.experiment().training.generator_average > 0.0 else "generator"


def load_generator(
    run: RunFolder, jit_compile: bool = False, precision: str = "float32"
) -> tuple[ShowerSampler, tuple[int, ...]]:
    """Generator of the best checkpoint (the newest sound one where none is marked), and its iteration.

    For a split, the generators of all members as one, and their iterations.  ``precision`` is ``float32`` or
    ``bfloat16``.
    """
    experiment = run.experiment()
    if not experiment.members:
        generator, iteration = load_network(run, jit_compile, precision)
        return generator, (iteration,)
    loaded = [load_network(run.member(member.name), jit_compile, precision) for member in experiment.members]
    routed = [(*member.range_mev, generator) for member, (generator, _) in zip(experiment.members, loaded, strict=True)]
    return RoutedShowerGenerator(routed), tuple(iteration for _, iteration in loaded)


def load_network(run: RunFolder, jit_compile: bool = False, precision: str = "float32") -> tuple[ShowerGenerator, int]:
    """Generator and iteration of a run that is not a split."""
    experiment = run.experiment()
    network = build_generator(experiment)
    detector = get_detector(experiment.data.layout)
    store = CheckpointStore(run.checkpoints, experiment.run.keep_checkpoints)
    iteration = store.restore(checkpoint_of(**{judged_part(run): network}), "best")
    if precision != "float32":
        network = in_precision(network, f"mixed_{precision}", exact_inputs=True)
    return ShowerGenerator(network, experiment.network.latent, run.normalisation(), detector, jit_compile), iteration
