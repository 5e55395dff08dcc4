"""Settings of CaloFlow: maximum likelihood of both flows, and distillation into a student."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import accumulate
from typing import ClassVar

from calosim_tf.config.checks import above, at_least, choice, in_half_open_unit
from calosim_tf.config.flow_schedules import FlowTraining
from calosim_tf.config.sections import Stage, TaughtTraining
from calosim_tf.errors import ConfigError

DISTILLED_ENERGIES = ("data", "uniform")


@dataclass(frozen=True)
class CaloFlowTraining(FlowTraining):
    """The flow of the layer energies by itself, then that of the voxels, both by maximum likelihood.

    Attributes
    ----------
    energy_iterations, energy_batch_size : int
        Of the first stage.  ``iterations`` counts both stages.
    schedule_energy_flow, schedule_iterations_energy_flow, step_iterations_energy_flow
        Of its learning rate; the other settings of the schedules are common.
    voxel_noise_mev, energy_noise_mev : float
        Every voxel gets noise uniform between 0 and this, for the flow of the voxels and for that of the layer
        energies.
    """

    NETWORKS: ClassVar[tuple[str, ...]] = ("generator", "energy_flow")
    MODEL: ClassVar[str] = "calosim_tf.training.algorithms.caloflow.CaloFlowModel"

    algorithm: str = "caloflow"
    batch_size: int = 200
    energy_iterations: int = 42_400
    energy_batch_size: int = 200
    optimizer_energy_flow: str = "adam"
    learning_rate_energy_flow: float = 1e-4
    beta1_energy_flow: float = 0.9
    beta2_energy_flow: float = 0.999
    schedule_energy_flow: str = "constant"
    schedule_iterations_energy_flow: int = 0
    step_iterations_energy_flow: tuple[int, ...] = ()
    voxel_noise_mev: float = 1e-3
    energy_noise_mev: float = 1e-3

    def __post_init__(self):
        super().__post_init__()
        for key in ("energy_iterations", "energy_batch_size"):
            at_least(f"training.{key}", getattr(self, key), 1)
        choice("training.schedule_energy_flow", self.schedule_energy_flow, self.KNOWN_SCHEDULES)
        if self.schedule_energy_flow not in ("constant", "steps"):
            at_least("training.schedule_iterations_energy_flow", self.schedule_iterations_energy_flow, 1)
        for key in ("voxel_noise_mev", "energy_noise_mev"):
            above(f"training.{key}", getattr(self, key), 0.0)

    @property
    def stages(self) -> tuple[Stage, ...]:
        """The layer energies, then the voxels."""
        last, size = min(self.energy_iterations, self.iterations), self.energy_batch_size
        stages = [Stage("energies", ("energy_flow",), 0, last, size, size)]
        if last < self.iterations:
            stages.append(Stage("voxels", ("generator",), last, self.iterations, self.batch_size, self.batch_size))
        return tuple(stages)

    def schedule_of(self, network: str) -> str:
        """Each flow has its own."""
        return self.schedule_energy_flow if network == "energy_flow" else self.schedule

    def schedule_length(self, network: str) -> int:
        """Each flow has its own."""
        return self.schedule_iterations_energy_flow if network == "energy_flow" else self.schedule_iterations

    def schedule_steps(self, network: str) -> tuple[int, ...]:
        """Each flow has its own."""
        return self.step_iterations_energy_flow if network == "energy_flow" else self.step_iterations


@dataclass(frozen=True)
class CaloFlowDistillation(FlowTraining, TaughtTraining):
    """A student learns to undo its teacher, on real showers and on its own (probability density distillation).

    Attributes
    ----------
    latent_weight : float
        Weight of the loss that begins with latent numbers; that of the loss on real showers is 1 minus it.
    guided : bool
        The states between all blocks, and the spline parameters of all blocks, are compared as well; otherwise the end
        points alone.
    distilled_energies : {'data', 'uniform'}
        Incident energies of the first loss: those of training showers, or uniform over their range.
    summed_batches : tuple of int
        Gradients of so many minibatches are added for one update, in each part of the run.
    summed_iterations : tuple of int
        Lengths of these parts but for the last.
    voxel_noise_mev : float
        As :class:`CaloFlowTraining`.
    """

    MODEL: ClassVar[str] = "calosim_tf.training.algorithms.caloflow_student.CaloFlowStudent"

    algorithm: str = "caloflow_student"
    batch_size: int = 175
    latent_weight: float = 0.5
    guided: bool = True
    distilled_energies: str = "data"
    summed_batches: tuple[int, ...] = (1,)
    summed_iterations: tuple[int, ...] = ()
    voxel_noise_mev: float = 1e-3

    def __post_init__(self):
        super().__post_init__()
        choice("training.distilled_energies", self.distilled_energies, DISTILLED_ENERGIES)
        in_half_open_unit("training.latent_weight", self.latent_weight)
        above("training.voxel_noise_mev", self.voxel_noise_mev, 0.0)
        if len(self.summed_iterations) != len(self.summed_batches) - 1:
            raise ConfigError(
                f"training.summed_iterations: found {self.summed_iterations!r}, expected one number less than the "
                f"{len(self.summed_batches)} of training.summed_batches"
            )
        for key in ("summed_batches", "summed_iterations"):
            at_least(f"training.{key}", min(getattr(self, key), default=1), 1)

    @property
    def stages(self) -> tuple[Stage, ...]:
        """One for each number of minibatches in an update."""
        firsts = [0, *accumulate(self.summed_iterations)]
        lasts = [*firsts[1:], self.iterations]
        (whole,) = self.divided(("voxels", self.NETWORKS, self.iterations))
        return tuple(
            replace(whole, first=first, last=min(last, self.iterations), showers_per_iteration=size * self.batch_size)
            for first, last, size in zip(firsts, lasts, self.summed_batches, strict=True)
            if first < min(last, self.iterations)
        )
