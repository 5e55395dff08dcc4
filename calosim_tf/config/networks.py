"""All network families and all losses by the word that stands for them in a configuration."""

from __future__ import annotations

from calosim_tf.config.calogan_network import CaloGanNetwork
from calosim_tf.config.calogan_training import CaloGanTraining
from calosim_tf.config.conv2d_network import Conv2dGanNetwork
from calosim_tf.config.conv3d_network import AngleGanNetwork, Conv3dGanNetwork
from calosim_tf.config.hinge_training import HingeTraining
from calosim_tf.config.lhcb_network import LhcbGanNetwork
from calosim_tf.config.network import DenseGanNetwork
from calosim_tf.config.sections import TrainingConfig
from calosim_tf.config.three_d_gan_training import ThreeDGanTraining
from calosim_tf.config.wgan_gp_training import WganGpTraining

Network = DenseGanNetwork | LhcbGanNetwork | CaloGanNetwork | Conv2dGanNetwork | Conv3dGanNetwork | AngleGanNetwork

NETWORKS: dict[str, type[Network]] = {
    network.family: network
    for network in (
        DenseGanNetwork,
        LhcbGanNetwork,
        CaloGanNetwork,
        Conv2dGanNetwork,
        Conv3dGanNetwork,
        AngleGanNetwork,
    )
}
TRAININGS: dict[str, type[TrainingConfig]] = {
    training.algorithm: training for training in (WganGpTraining, HingeTraining, CaloGanTraining, ThreeDGanTraining)
}
