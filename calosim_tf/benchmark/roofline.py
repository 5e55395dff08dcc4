"""The least time that a network could take on this machine (no TensorFlow)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from calosim_tf.bundle.sidecar import Sidecar

# Bytes of a weight while the network runs; weights of 16 bits are turned into 32 when a model is loaded
WEIGHT_BYTES = {"float32": 4, "float16": 4, "dynamic": 1, "int8": 1, "int16x8": 1}
FLOAT_BYTES = 4


@dataclass(frozen=True)
class NetworkCost:
    """What a network has to do, the mean over the networks of a split.

    Attributes
    ----------
    multiply_adds : float
        Of its matrix products and convolutions, per shower; padding counts, activations do not.
    parameters : float
    values : float
        Latent, condition and output, numbers per shower.
    """

    multiply_adds: float
    parameters: float
    values: float

    @classmethod
    def mean(cls, costs: Sequence[NetworkCost]) -> NetworkCost:
        """Of networks that each make the same share of the showers."""
        n = len(costs)
        return cls(
            sum(one.multiply_adds for one in costs) / n,
            sum(one.parameters for one in costs) / n,
            sum(one.values for one in costs) / n,
        )

    @classmethod
    def of_bundle(cls, sidecar: Sidecar) -> NetworkCost:
        """From what the sidecar says."""
        return cls.mean(
            [
                cls(
                    network.multiply_adds,
                    network.parameters,
                    network.latent.size + len(network.condition.names) + _product(network.output_shape),
                )
                for network in sidecar.networks
            ]
        )

    @property
    def flops(self) -> float:
        """Operations per shower."""
        return 2.0 * self.multiply_adds

    def call_bytes(self, batch: int, precision: str = "float32") -> int:
        """Bytes that a call must move at least: weights, inputs and outputs once each."""
        return int(self.parameters * WEIGHT_BYTES[precision] + batch * self.values * FLOAT_BYTES)


def least_seconds(cost: NetworkCost, batch: int, precision: str, flops_per_s: float, bytes_per_s: float) -> float:
    """The roofline of a call: the longer of computing and moving, seconds.

    Parameters
    ----------
    cost : NetworkCost
    batch : int
    precision : str
    flops_per_s : float
        Rate of float32 matrix products; integer arithmetic may pass it.
    bytes_per_s : float
        Bandwidth of copies of about that size, read and written bytes together.
    """
    return max(batch * cost.flops / flops_per_s, cost.call_bytes(batch, precision) / bytes_per_s)


def _product(shape: Sequence[int]) -> int:
    n = 1
    for size in shape:
        n *= size
    return n
