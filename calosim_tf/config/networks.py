"""All network families by the word that stands for them in a configuration."""

from __future__ import annotations

from calosim_tf.config.lhcb_network import LhcbGanNetwork
from calosim_tf.config.network import DenseGanNetwork

Network = DenseGanNetwork | LhcbGanNetwork

NETWORKS: dict[str, type[Network]] = {network.family: network for network in (DenseGanNetwork, LhcbGanNetwork)}
