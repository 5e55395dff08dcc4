"""Settings of the factorised generator: the energy head by itself, then the shape network against a critic."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from calosim_tf.config.checks import at_least
from calosim_tf.config.sections import AdversarialTraining, Stage


@dataclass(frozen=True)
class FactorisedTraining(AdversarialTraining):
    """Energy distance for the head; relativistic loss with R1 + R2 and moments for the shape.

    Attributes
    ----------
    head_iterations, head_batch_size : int
        Of the first stage, which trains the energy head alone.
    penalty_weight : float
        Weight of R1 + R2, the mean squared gradients of the critic at real and at generated showers.
    penalty_every : int
        The penalty is taken in every so many iterations, on half a batch, and counts that much more.
    moment_weight : float
        Weight of the squared difference of means, of each group of about one incident energy, of observables, voxels
        and squares of voxels.
    moments_of_squares : bool
        Squares of observables are compared as well.
    moments_by_condition : bool
        Differences are compared together with the particle, so that none can hide where showers of a group differ in
        direction or place; needs ``network.frame``.
    """

    NETWORKS: ClassVar[tuple[str, ...]] = ("generator", "critic", "energy_head")
    MODEL: ClassVar[str] = "calosim_tf.training.algorithms.factorised.FactorisedModel"

    algorithm: str = "factorised"
    critic_steps: int = 1
    head_iterations: int = 3000
    head_batch_size: int = 1440
    optimizer_energy_head: str = "adam"
    learning_rate_energy_head: float = 3e-3
    beta1_energy_head: float = 0.9
    beta2_energy_head: float = 0.99
    penalty_weight: float = 0.3
    penalty_every: int = 4
    moment_weight: float = 20.0
    moments_of_squares: bool = False
    moments_by_condition: bool = False

    def __post_init__(self):
        super().__post_init__()
        for key in ("head_iterations", "head_batch_size", "penalty_every"):
            at_least(f"training.{key}", getattr(self, key), 1)
        for key in ("penalty_weight", "moment_weight"):
            at_least(f"training.{key}", getattr(self, key), 0.0)

    @property
    def stages(self) -> tuple[Stage, ...]:
        """The head, then generator and critic."""
        last = min(self.head_iterations, self.iterations)
        head = Stage("energies", ("energy_head",), 0, last, self.head_batch_size, self.head_batch_size)
        if last == self.iterations:
            return (head,)
        return head, Stage("shape", ("generator", "critic"), last, self.iterations, self.batch_size, self.batch_size)

    def schedule_length(self, network: str) -> int:
        """The head's schedule ends with its stage."""
        return self.head_iterations if network == "energy_head" else self.schedule_iterations
