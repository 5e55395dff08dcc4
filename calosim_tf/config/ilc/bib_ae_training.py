"""Settings of the training of the BIB-AE (Buhmann et al. 2021); the defaults are the authors' run files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from calosim_tf.config.checks import above, at_least
from calosim_tf.config.sections import SCHEDULES, AdversarialTraining, Stage
from calosim_tf.errors import ConfigError

# 95 % of 950 000 showers in minibatches of 8
EPOCH = 112_812


@dataclass(frozen=True)
class BibAeTraining(AdversarialTraining):
    """Encoder and decoder against both critics, then the post-processor in two stages.

    Attributes
    ----------
    autoencoder_iterations, identity_iterations : int
        Of the first stage, and of the second, in which the post-processor learns to leave showers as they are.
    penalty_weight, latent_penalty_weight : float
        Of the gradient penalties of the two critics.
    adversarial_weight, latent_weight : float
        Of the scores of the two critics in the loss of the autoencoder.
    divergence_weight, mmd_weight : float
        Of the Kullback-Leibler divergence of the encoder's law, and of the maximum mean discrepancy of the latents.
    mmd_sharpness : tuple of float
        Factors of the squared distance in the exponents of that kernel.
    sorted_weight, identity_weight : float
        Of the maximum mean discrepancy of sorted cells, and of the squared change of a cell, for the post-processor.
    sorted_window, sorted_stride, sorted_last : int
        Cells of a window of sorted cells, from one window to the next, and where windows no longer begin.
    sorted_sharpness : float
        Factor of the squared difference of two cells in the exponent of that kernel, 1 / MeV^2.
    schedule : str
        Also ``exponential``: all learning rates are multiplied by ``schedule_factor`` every ``schedule_iterations``
        iterations of the network.
    schedule_factor : float
    """

    NETWORKS: ClassVar[tuple[str, ...]] = ("generator", "critic", "latent_critic", "decoder", "encoder")
    MODEL: ClassVar[str] = "calosim_tf.training.algorithms.bib_ae.BibAeModel"
    KNOWN_SCHEDULES: ClassVar[tuple[str, ...]] = (*SCHEDULES, "exponential")

    algorithm: str = "bib_ae"
    batch_size: int = 8
    critic_steps: int = 5
    reuse_minibatch: bool = True
    # our choice: 100 epochs, after which the rates are at 0.6 %; the post-processor's first 100 (authors' code), and as
    # many again
    autoencoder_iterations: int = 100 * EPOCH
    identity_iterations: int = 100 * EPOCH
    iterations: int = 300 * EPOCH
    penalty_weight: float = 10.0
    latent_penalty_weight: float = 10.0
    adversarial_weight: float = 1.0
    latent_weight: float = 100.0
    divergence_weight: float = 0.05
    mmd_weight: float = 100.0
    mmd_sharpness: tuple[float, ...] = (1.0, 0.01)
    sorted_weight: float = 5.0
    identity_weight: float = 1.0
    sorted_window: int = 100
    sorted_stride: int = 25
    sorted_last: int = 2_000
    sorted_sharpness: float = 200.0
    schedule: str = "exponential"
    schedule_iterations: int = EPOCH
    schedule_factor: float = 0.95
    epsilon: float = 1e-8  # PyTorch's
    learning_rate_generator: float = 5e-4
    beta2_generator: float = 0.9
    learning_rate_critic: float = 5e-4
    beta1_critic: float = 0.5
    beta2_critic: float = 0.9
    optimizer_latent_critic: str = "adam"
    learning_rate_latent_critic: float = 2e-3
    beta1_latent_critic: float = 0.5
    beta2_latent_critic: float = 0.9
    optimizer_decoder: str = "adam"
    learning_rate_decoder: float = 5e-4
    beta1_decoder: float = 0.5
    beta2_decoder: float = 0.9
    optimizer_encoder: str = "adam"
    learning_rate_encoder: float = 5e-4
    beta1_encoder: float = 0.5
    beta2_encoder: float = 0.9

    def __post_init__(self):
        super().__post_init__()
        for key in ("autoencoder_iterations", "sorted_window", "sorted_stride", "sorted_last"):
            at_least(f"training.{key}", getattr(self, key), 1)
        weights = ("penalty", "latent_penalty", "adversarial", "latent", "divergence", "mmd", "sorted", "identity")
        for key in ("identity_iterations", *(f"{weight}_weight" for weight in weights)):
            at_least(f"training.{key}", getattr(self, key), 0)
        for key in ("sorted_sharpness", "schedule_factor"):
            above(f"training.{key}", getattr(self, key), 0.0)
        if min(self.mmd_sharpness, default=0.0) <= 0.0:
            raise ConfigError(f"training.mmd_sharpness: found {self.mmd_sharpness!r}, expected numbers > 0")
        if not self.reuse_minibatch:
            raise ConfigError(
                "training.reuse_minibatch: found false, expected true: all updates of an iteration see the same showers"
            )

    @property
    def stages(self) -> tuple[Stage, ...]:
        """The autoencoder with its critics; the post-processor as the identity, then towards real showers."""
        return self.divided(
            ("autoencoder", ("decoder", "encoder", "critic", "latent_critic"), self.autoencoder_iterations),
            ("identity", ("generator",), self.identity_iterations),
            ("post_processor", ("generator",), self.iterations),
        )

    def optimizer_steps_per_iteration(self, network: str) -> int:
        """Both critics take ``critic_steps``, the others one."""
        return self.critic_steps if network in ("critic", "latent_critic") else 1
