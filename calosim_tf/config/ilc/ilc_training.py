"""Settings of the two baselines of the ILD's calorimeter (Buhmann et al. 2021); the defaults are the authors' code."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from calosim_tf.config.checks import at_least
from calosim_tf.config.sections import OPTIMIZERS, AdversarialTraining
from calosim_tf.config.wgan_gp_training import WganGpTraining
from calosim_tf.errors import ConfigError


@dataclass(frozen=True)
class IlcWganTraining(WganGpTraining):
    """WGAN-GP whose generator also has to meet the energy that a third network measures.

    Each update of an iteration, those of the generator too, takes a new minibatch.

    Attributes
    ----------
    optimizer_constrainer : str
        Also ``sgd``: stochastic gradient descent with beta1 as its momentum.
    energy_weight : float
        Of the difference between what the constrainer gets wrong on generated and on real showers, GeV^2.
    """

    NETWORKS: ClassVar[tuple[str, ...]] = ("generator", "critic", "constrainer")
    MODEL: ClassVar[str] = "calosim_tf.training.algorithms.ilc_wgan.IlcWganModel"
    KNOWN_OPTIMIZERS: ClassVar[tuple[str, ...]] = (*OPTIMIZERS, "sgd")

    algorithm: str = "ilc_wgan"
    batch_size: int = 50
    critic_steps: int = 5
    iterations: int = 75_000
    penalty_weight: float = 5.0
    energy_weight: float = 0.01
    epsilon: float = 1e-8  # PyTorch's
    learning_rate_generator: float = 1e-4
    learning_rate_critic: float = 1e-5
    beta1_critic: float = 0.5
    beta2_generator: float = 0.9
    beta2_critic: float = 0.9
    optimizer_constrainer: str = "sgd"
    learning_rate_constrainer: float = 1e-5
    beta1_constrainer: float = 0.0
    beta2_constrainer: float = 0.999

    def __post_init__(self):
        super().__post_init__()
        at_least("training.energy_weight", self.energy_weight, 0.0)

    @property
    def showers_per_iteration(self) -> int:
        """Real showers that one iteration consumes."""
        return self.batch_size * (1 if self.reuse_minibatch else self.critic_steps + self.generator_steps)

    def optimizer_steps_per_iteration(self, network: str) -> int:
        """The constrainer takes a step beside each of the critic."""
        return super().optimizer_steps_per_iteration("critic" if network == "constrainer" else network)


@dataclass(frozen=True)
class IlcGanTraining(AdversarialTraining):
    """Cross entropy; both networks learn from the same generated showers.

    Attributes
    ----------
    generated_energy_gev : (low, high)
        Range of the energies of generated showers, uniform.
    """

    MODEL: ClassVar[str] = "calosim_tf.training.algorithms.ilc_gan.IlcGanModel"

    algorithm: str = "ilc_gan"
    batch_size: int = 32
    critic_steps: int = 1
    # our choice: 20 epochs of 950 000 showers
    iterations: int = 593_750
    epsilon: float = 1e-8  # PyTorch's
    learning_rate_generator: float = 1e-5
    learning_rate_critic: float = 1e-5
    beta1_critic: float = 0.5
    generated_energy_gev: tuple[float, ...] = (10.0, 100.0)

    def __post_init__(self):
        super().__post_init__()
        found = self.generated_energy_gev
        if len(found) != 2 or not 0.0 < found[0] < found[1]:
            raise ConfigError(
                f"training.generated_energy_gev: found {found!r}, expected two ascending energies above 0 GeV"
            )
        for key in ("critic_steps", "generator_steps"):
            if getattr(self, key) != 1:
                raise ConfigError(
                    f"training.{key}: found {getattr(self, key)}, expected 1: both networks learn from the same showers"
                )
