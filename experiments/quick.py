"""The schedule of the short runs, for experiments whose papers use a million iterations."""

from __future__ import annotations

from dataclasses import replace

from calosim_tf.config import AnyExperiment, Experiment, SplitExperiment, TrainingConfig

SMOKE_SUFFIX = "_smoke"


def quick(training: TrainingConfig, iterations: int, checkpoint_every: int, log_every: int = 10) -> TrainingConfig:
    """A paper's settings with a schedule for few iterations; batch, penalty and D/G ratio stay.

    Our choice, by measurement on the bundled photon sample at equal iterations: ten times the paper's learning rate,
    shorter memories in Adam and an average of the generator's weights bring the width of the total energy down
    several times faster.  The rate stays constant: letting it fall to 0 over 2000 iterations ended further from the
    Monte Carlo (docs/papers/caloshowergan.md has the numbers).
    """
    return replace(
        training,
        iterations=iterations,
        checkpoint_every=checkpoint_every,
        log_every=log_every,
        learning_rate_generator=1e-3,
        learning_rate_critic=1e-3,
        beta1_critic=0.5,
        beta2_generator=0.9,
        beta2_critic=0.9,
        generator_average=0.999,
    )


def smoke_size(experiment: AnyExperiment, **changes) -> AnyExperiment:
    """``<name>_smoke``: the same networks and code path in a few minutes on two cores, with these changes."""
    return replace(
        experiment,
        name=f"{experiment.name}{SMOKE_SUFFIX}",
        summary=f"{experiment.name} cut to a few minutes on two cores, to see every part work",
        published=(),
        **changes,
    )


def smoke(experiment: Experiment, iterations: int) -> Experiment:
    """:func:`smoke_size` with the schedule of :func:`quick`."""
    return smoke_size(experiment, training=quick(experiment.training, iterations, checkpoint_every=iterations // 5))


def smoke_split(experiment: SplitExperiment, iterations: int) -> SplitExperiment:
    """As :func:`smoke`; ``iterations`` per member.

    ReLU outputs become swish: at this rate all outputs of the low-energy network are permanently 0 within 100
    iterations (docs/papers/caloshowergan.md has the numbers).
    """
    members = (
        replace(
            member,
            network=replace(member.network, output_activation="swish"),
            training=quick(member.training, iterations, checkpoint_every=iterations // 5),
        )
        for member in experiment.members
    )
    return smoke_size(experiment, members=tuple(members))
