"""Settings of variational autoencoders: by themselves, and before a GAN that refines their images."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from calosim_tf.config.checks import above, at_least, choice
from calosim_tf.config.sections import Stage, TrainingConfig
from calosim_tf.config.wgan_gp_training import WganGpTraining

RECONSTRUCTIONS = ("batch_root", "gaussian")
SCORE_LOSSES = ("hinge", "wasserstein")


@dataclass(frozen=True)
class ElboSettings:
    """What all losses with an encoder have in common; the defaults are the code of the LHCb CVAE.

    Attributes
    ----------
    reconstruction : {'batch_root', 'gaussian'}
        ``batch_root``: one root of the squares of all cells of the whole batch, plus the sum of the divergences;
        ``gaussian``: the evidence lower bound, with cells of fixed width.
    divergence_weight : float
        Of the divergence (beta); 1 for the authors' sum and for the bound itself.
    reference_batch_size : int
        Batch that ``batch_root`` has the weight at: the size is part of that loss, and at other sizes the divergence is
        multiplied by the root of reference over size.
    cell_width : float
        Standard deviation of a cell in ``gaussian``, in the units of the network (logarithms).
    """

    reconstruction: str = "batch_root"
    divergence_weight: float = 1.0
    reference_batch_size: int = 1024
    cell_width: float = 1.0
    optimizer_encoder: str = "adam"
    learning_rate_encoder: float = 5e-4
    beta1_encoder: float = 0.9
    beta2_encoder: float = 0.999

    def __post_init__(self):
        # of the loss that this is mixed into
        super().__post_init__()
        choice("training.reconstruction", self.reconstruction, RECONSTRUCTIONS)
        at_least("training.divergence_weight", self.divergence_weight, 0.0)
        at_least("training.reference_batch_size", self.reference_batch_size, 1)
        above("training.cell_width", self.cell_width, 0.0)


@dataclass(frozen=True)
class CvaeTraining(ElboSettings, TrainingConfig):
    """Encoder and generator on one loss; batch, rate and length are the code of the LHCb CVAE."""

    NETWORKS: ClassVar[tuple[str, ...]] = ("generator", "encoder")
    MODEL: ClassVar[str] = "calosim_tf.training.algorithms.cvae.CvaeModel"

    algorithm: str = "cvae"
    batch_size: int = 1024
    # 60 epochs of 100 000 showers, whose last minibatch is not full
    iterations: int = 5_880
    learning_rate_generator: float = 5e-4
    beta1_generator: float = 0.9
    epsilon: float = 1e-8  # PyTorch's


@dataclass(frozen=True)
class CvaeCganTraining(ElboSettings, WganGpTraining):
    """The autoencoder by itself, then the refiner of its images against a critic (code of the LHCb CVAE + CGAN).

    Attributes
    ----------
    cvae_iterations, cvae_batch_size : int
        Of the first stage, which trains decoder and encoder.
    freeze_cvae : bool
        In the second stage the decoder is left as it is, its batch normalisation with its moving statistics; otherwise
        it is trained together with the refiner, by the generator's optimiser.
    score_loss : {'hinge', 'wasserstein'}
        Of critic and generator in the second stage; either with the gradient penalty unless its weight is 0.
    """

    NETWORKS: ClassVar[tuple[str, ...]] = ("generator", "critic", "decoder", "encoder")
    MODEL: ClassVar[str] = "calosim_tf.training.algorithms.cvae_cgan.CvaeCganModel"

    algorithm: str = "cvae_cgan"
    cvae_iterations: int = 5_880
    cvae_batch_size: int = 1024
    freeze_cvae: bool = False
    score_loss: str = "hinge"
    batch_size: int = 512
    critic_steps: int = 2
    reuse_minibatch: bool = True
    # 60 epochs of 47 178 showers behind the first stage
    iterations: int = 11_460
    penalty_weight: float = 0.1
    penalty: str = "local"
    epsilon: float = 1e-8  # PyTorch's
    learning_rate_generator: float = 1e-4
    learning_rate_critic: float = 4e-4
    beta1_generator: float = 0.0
    beta1_critic: float = 0.0
    optimizer_decoder: str = "adam"
    learning_rate_decoder: float = 5e-4
    beta1_decoder: float = 0.9
    beta2_decoder: float = 0.999

    def __post_init__(self):
        super().__post_init__()
        for key in ("cvae_iterations", "cvae_batch_size"):
            at_least(f"training.{key}", getattr(self, key), 1)
        choice("training.score_loss", self.score_loss, SCORE_LOSSES)

    @property
    def stages(self) -> tuple[Stage, ...]:
        """The autoencoder, then refiner and critic."""
        border, batch = min(self.cvae_iterations, self.iterations), self.cvae_batch_size
        parts = (
            Stage("autoencoder", ("decoder", "encoder"), 0, border, batch, batch),
            Stage(
                "refiner", ("generator", "critic"), border, self.iterations, self.batch_size, self.showers_per_iteration
            ),
        )
        return tuple(stage for stage in parts if stage.last > stage.first)

    def schedule_length(self, network: str) -> int:
        """Schedules of the autoencoder end with its stage."""
        return self.cvae_iterations if network in ("decoder", "encoder") else self.schedule_iterations
