"""Networks of the BIB-AE (Buhmann et al. 2021): encoder, decoder, post-processor and two critics."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from calosim_tf.config.checks import at_least, choice
from calosim_tf.config.ilc.ilc_network import IlcNetwork
from calosim_tf.config.network import LatentLaw
from calosim_tf.errors import ConfigError

LATENT_SAMPLINGS = ("normal", "kde")


@dataclass(frozen=True)
class BibAeNetwork(IlcNetwork):
    """Bounded-information-bottleneck autoencoder; the defaults are the authors' code.

    Attributes
    ----------
    latent : LatentLaw
        A standard normal: what the encoder's numbers are pulled to.
    code_size : int
        Numbers of the latent that the encoder writes; the others are noise.
    latent_sampling : {'normal', 'kde'}
        What the decoder is given in generation.  ``kde``: the encoder's numbers come from a kernel density estimate of
        those of training showers, near the energy; one number of the latent chooses the kernel, so that the decoder
        takes one fewer.
    kde_showers : int
        Training showers of the estimate.
    encoder_filters : tuple of int
        Channels at 16, 9, 5 and 5 cells.
    encoder_units : tuple of int
        Widths of the dense layers behind them; the energy joins the first.
    decoder_units : tuple of int
        Widths of the dense layers of latent and energy.
    decoder_seed_channels : int
        Channels of the first image, 10 cells wide.
    decoder_filters : tuple of int
        Channels of the two transposed convolutions, at 30 and 60 cells, and of the four convolutions at 30 cells.
    critic_filters : int
        Channels of all convolutions of the critic.
    critic_branch_units : int
        Width of each of its four branches.
    critic_units : tuple of int
        Widths of its dense layers behind them.
    latent_critic_units : tuple of int
        Widths of the critic of single latent numbers.
    post_units : tuple of int
        Widths of the dense layers of the post-processor for the energy and the sum of the cells.
    post_filters : int
        Channels of its convolutions.
    """

    family: ClassVar[str] = "bib_ae"

    latent: LatentLaw = field(default_factory=lambda: LatentLaw(size=512, mean=0.0, std=1.0))
    initialiser: str = "pytorch"
    code_size: int = 24
    latent_sampling: str = "normal"
    kde_showers: int = 2_000
    encoder_filters: tuple[int, ...] = (8, 16, 32, 64)
    encoder_units: tuple[int, ...] = (4_000, 768)
    decoder_units: tuple[int, ...] = (768, 4_000)
    decoder_seed_channels: int = 8
    decoder_filters: tuple[int, ...] = (8, 16, 8, 16, 32, 16)
    critic_filters: int = 128
    critic_branch_units: int = 64
    critic_units: tuple[int, ...] = (256, 256, 256)
    latent_critic_units: tuple[int, ...] = (50, 100, 50)
    post_units: tuple[int, ...] = (64, 64, 64)
    post_filters: int = 128

    def __post_init__(self):
        super().__post_init__()
        if (self.latent.law, self.latent.mean, self.latent.std) != ("normal", 0.0, 1.0):
            raise ConfigError(
                f"network.latent: found the law {self.latent.law} with mean {self.latent.mean:g} and std "
                f"{self.latent.std:g}, expected normal, 0 and 1, to which the encoder is pulled"
            )
        choice("network.latent_sampling", self.latent_sampling, LATENT_SAMPLINGS)
        at_least("network.code_size", self.code_size, 1)
        at_least("network.latent.size", self.decoder_latents, self.code_size)
        at_least("network.kde_showers", self.kde_showers, 2)
        self.require_channels("encoder_filters", 4)
        self.require_channels("decoder_filters", 6)
        for key in ("encoder_units", "decoder_units", "critic_units", "latent_critic_units", "post_units"):
            self.require_widths(key)
        for key in ("decoder_seed_channels", "critic_filters", "critic_branch_units", "post_filters"):
            at_least(f"network.{key}", getattr(self, key), 1)

    @property
    def decoder_latents(self) -> int:
        """Numbers that the decoder takes."""
        return self.latent.size - (self.latent_sampling == "kde")
