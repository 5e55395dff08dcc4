"""Settings of the 3DGAN training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from calosim_tf.config.checks import at_least, choice, in_half_open_unit
from calosim_tf.config.sections import AdversarialTraining
from calosim_tf.errors import ConfigError

FAKE_CONDITIONS = ("sampled", "real")


@dataclass(frozen=True)
class ThreeDGanTraining(AdversarialTraining):
    """Cross entropy, regression of the energy, and total energy (Rehm et al. 2021; values: authors' code of Conv2D).

    One iteration is one update of the critic on real and one on generated showers, then ``generator_steps`` updates of
    the generator.  Learning rates count in files of the public data set, of ``iterations_per_file`` minibatches each.

    Attributes
    ----------
    weight_generation, weight_auxiliary, weight_ecal, weight_angle : float
        Of cross entropy, percentage error of the energy, of the total energy, and absolute error of the angle in rad
        (variable angle only, 25 there).
    label_real : float
        Soft label of real showers, and what the generator aims at; generated ones have 0.
    label_flip : float
        Fraction of labels flipped, drawn again for every batch.
    flip_generator : bool
        Flip labels in the generator's update as well (Conv2D; not in the Conv3D code).
    fake_conditions : {'sampled', 'real'}
        Energies of generated showers: drawn evenly, or those of the real batch (variable angle).
    fake_energy_gev : (low, high)
        Range of drawn energies; empty for that of the training data.
    first_energy_gev : (low, high)
        The same in the first ``first_energy_epochs`` epochs; empty for 0.2 to 0.8 of the highest training energy.  For
        the public data this is the published range.
    first_energy_epochs : int
    linear_epochs : int
        First epochs, in which the generator's last ReLU is left out; 0 for none (G1 alone has 2).
    iterations_per_file, files_per_epoch : int
        9000 of 10 000 showers in minibatches of 128; 20 files.
    held_files : int
        Files at the full learning rates, after which they fall by ``file_decay`` (natural logarithm) per file.
    file_decay : float
        0 for constant rates.
    reset_each_file : bool
        Restart the optimisers with each file, since the authors make new ones.
    ecal_coefficients : tuple of float
        Of the visible energy of generated showers (:class:`calosim_tf.data.sampling_fraction.SamplingFraction`); empty
        for those of the training data, which are the published ones for the public data.
    """

    CRITIC_OPTIMIZER_STEPS: ClassVar[int] = 2

    MODEL: ClassVar[str] = "calosim_tf.training.algorithms.three_d_gan.ThreeDGanModel"

    algorithm: str = "three_d_gan"
    batch_size: int = 128
    critic_steps: int = 1
    iterations: int = 42_000  # 30 epochs of 20 files of 70 minibatches
    checkpoint_every: int = 1_400
    learning_rate_generator: float = 5e-4
    learning_rate_critic: float = 1e-4
    beta1_generator: float = 0.9
    weight_generation: float = 6.0
    weight_auxiliary: float = 0.2
    weight_ecal: float = 0.1
    weight_angle: float = 0.0
    label_real: float = 0.9
    label_flip: float = 0.05
    flip_generator: bool = True
    fake_conditions: str = "sampled"
    fake_energy_gev: tuple[float, ...] = (2.0, 500.0)
    first_energy_gev: tuple[float, ...] = (100.0, 400.0)
    first_energy_epochs: int = 2
    linear_epochs: int = 2
    iterations_per_file: int = 70
    files_per_epoch: int = 20
    held_files: int = 80
    file_decay: float = 0.012
    reset_each_file: bool = True
    ecal_coefficients: tuple[float, ...] = ()

    def __post_init__(self):
        super().__post_init__()
        for key in ("generation", "auxiliary", "ecal", "angle"):
            at_least(f"training.weight_{key}", getattr(self, f"weight_{key}"), 0.0)
        if not 0.0 < self.label_real <= 1.0:
            raise ConfigError(f"training.label_real: found {self.label_real!r}, expected a number in (0, 1]")
        in_half_open_unit("training.label_flip", self.label_flip)
        choice("training.fake_conditions", self.fake_conditions, FAKE_CONDITIONS)
        for key in ("fake_energy_gev", "first_energy_gev"):
            found = getattr(self, key)
            if found and (len(found) != 2 or not 0.0 < found[0] < found[1]):
                raise ConfigError(f"training.{key}: found {found!r}, expected two ascending energies above 0 GeV")
        for key in ("first_energy_epochs", "linear_epochs", "held_files", "file_decay"):
            at_least(f"training.{key}", getattr(self, key), 0)
        for key in ("iterations_per_file", "files_per_epoch"):
            at_least(f"training.{key}", getattr(self, key), 1)
        self._check_optimisers()

    def _check_optimisers(self) -> None:
        if self.file_decay > 0.0 and self.schedule != "constant":
            raise ConfigError(
                f"training.schedule: found {self.schedule!r} with training.file_decay = {self.file_decay!r}, expected "
                "one of them alone: set training.file_decay=0"
            )
        if self.reset_each_file and self.schedule != "constant":
            raise ConfigError(
                f"training.schedule: found {self.schedule!r} with training.reset_each_file = True, expected one of "
                "them alone, since a schedule begins anew with its optimiser: set training.reset_each_file=false"
            )
        if (self.file_decay > 0.0 or self.reset_each_file) and self.warmup_iterations > 0:
            raise ConfigError(
                f"training.warmup_iterations: found {self.warmup_iterations!r} with learning rates that follow the "
                "files, expected 0: set training.file_decay=0 and training.reset_each_file=false"
            )
        if self.file_decay > 0.0 or self.reset_each_file:
            for network in self.NETWORKS:
                choice(f"training.optimizer_{network}", self.setting("optimizer", network), ("adam", "rmsprop"))

    @property
    def iterations_per_epoch(self) -> int:
        """Minibatches of one pass through the training data."""
        return self.iterations_per_file * self.files_per_epoch
