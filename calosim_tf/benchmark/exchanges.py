"""What the replicas of a training step would send each other, counted in the traced step without a second replica."""

from __future__ import annotations

from collections.abc import Sequence

import tensorflow as tf

from calosim_tf.config import Experiment
from calosim_tf.data.batches.pipeline import training_batches, training_conditions
from calosim_tf.data.source import ShowerSource
from calosim_tf.layers.replicas import Replicas
from calosim_tf.training.build import build_model
from calosim_tf.training.normalisation import fit_normalisation
from calosim_tf.training.teacher import load_teacher

# Any number of replicas sends the same sums
NUMBER = 2


class _Counting(Replicas):
    """The first of two replicas; it notes the size of each sum, also of those that gradients flow back through."""

    number = NUMBER

    def __init__(self):
        self.sizes: list[int] = []

    def sum(self, tensors: Sequence[tf.Tensor]) -> list[tf.Tensor]:
        tensors = [tf.convert_to_tensor(tensor) for tensor in tensors]
        self.sizes.append(sum(tensor.shape.num_elements() * tensor.dtype.size for tensor in tensors))

        @tf.custom_gradient
        def total(*values):
            # the derivative of a sum over the replicas is one too
            return [NUMBER * value for value in values], lambda *gradients: self.sum(gradients)

        return list(total(*tensors))


def exchanged_bytes(experiment: Experiment, source: ShowerSource) -> list[int]:
    """Bytes of each sum over the replicas in one iteration, in the order of the trace.

    Notes
    -----
    A sum in a loop of the graph counts once.
    """
    normalisation, training = fit_normalisation(experiment, source), experiment.training
    replicas = _Counting()
    model = build_model(experiment, training_conditions(source, normalisation), normalisation, replicas)
    model.prepare(source, normalisation)
    model.learn_from(load_teacher(experiment, normalisation, experiment.name))
    batches = training_batches(
        source,
        normalisation,
        experiment.run.seed,
        model.stage.showers_per_iteration,
        0,
        training.batch_size,
        (0,),
        NUMBER,
        experiment.data,
    )

    @tf.function
    def step(batch):
        # a step that makes variables is traced a second time
        replicas.sizes.clear()
        return model.train_step(batch)

    step.get_concrete_function(next(iter(batches)))
    return replicas.sizes
