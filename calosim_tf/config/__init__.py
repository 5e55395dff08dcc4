"""Typed, frozen configuration of an experiment: network, data contract, training, run (no TensorFlow).

A configuration is data: every value can be read here or in the experiment file that sets it, overridden by a dotted key
(``training.batch_size=256``) and written to and read from JSON.  Unknown keys and illegal values are
:class:`~calosim_tf.errors.ConfigError`.
"""

from calosim_tf.config.caloflow.network import CaloFlowNetwork
from calosim_tf.config.caloflow.training import CaloFlowDistillation, CaloFlowTraining
from calosim_tf.config.calogan_network import CaloGanNetwork, original_calogan
from calosim_tf.config.calogan_training import CaloGanTraining
from calosim_tf.config.conv2d_network import Conv2dGanNetwork
from calosim_tf.config.conv3d_network import AngleGanNetwork, Conv3dGanNetwork
from calosim_tf.config.cvae_training import CvaeCganTraining, CvaeTraining
from calosim_tf.config.experiment import (
    AnyExperiment,
    Experiment,
    Member,
    SplitExperiment,
    dump_json,
    experiment_from_dict,
)
from calosim_tf.config.factorised_network import FactorisedNetwork
from calosim_tf.config.factorised_training import FactorisedTraining
from calosim_tf.config.flow_schedules import FlowTraining
from calosim_tf.config.hinge_training import HingeTraining
from calosim_tf.config.ilc.bib_ae_network import BibAeNetwork
from calosim_tf.config.ilc.bib_ae_training import BibAeTraining
from calosim_tf.config.ilc.ilc_network import IlcGanNetwork, IlcWganNetwork
from calosim_tf.config.ilc.ilc_training import IlcGanTraining, IlcWganTraining
from calosim_tf.config.lagan_network import LaganNetwork, LaganTraining
from calosim_tf.config.lhcb_cvae_network import LhcbCvaeCganNetwork, LhcbCvaeNetwork, LhcbEarlyCganNetwork
from calosim_tf.config.lhcb_network import LhcbGanNetwork
from calosim_tf.config.network import DenseGanNetwork, LatentLaw
from calosim_tf.config.networks import NETWORKS, TRAININGS, Network
from calosim_tf.config.sections import (
    AdversarialTraining,
    DataConfig,
    Published,
    RunConfig,
    Stage,
    TaughtTraining,
    TrainingConfig,
)
from calosim_tf.config.three_d_gan_training import ThreeDGanTraining
from calosim_tf.config.wgan_gp_training import WganGpTraining

__all__ = [
    "NETWORKS",
    "TRAININGS",
    "AdversarialTraining",
    "AngleGanNetwork",
    "AnyExperiment",
    "BibAeNetwork",
    "BibAeTraining",
    "CaloFlowDistillation",
    "CaloFlowNetwork",
    "CaloFlowTraining",
    "CaloGanNetwork",
    "CaloGanTraining",
    "Conv2dGanNetwork",
    "Conv3dGanNetwork",
    "CvaeCganTraining",
    "CvaeTraining",
    "DataConfig",
    "DenseGanNetwork",
    "Experiment",
    "FactorisedNetwork",
    "FactorisedTraining",
    "FlowTraining",
    "HingeTraining",
    "IlcGanNetwork",
    "IlcGanTraining",
    "IlcWganNetwork",
    "IlcWganTraining",
    "LaganNetwork",
    "LaganTraining",
    "LatentLaw",
    "LhcbCvaeCganNetwork",
    "LhcbCvaeNetwork",
    "LhcbEarlyCganNetwork",
    "LhcbGanNetwork",
    "Member",
    "Network",
    "Published",
    "RunConfig",
    "SplitExperiment",
    "Stage",
    "TaughtTraining",
    "ThreeDGanTraining",
    "TrainingConfig",
    "WganGpTraining",
    "dump_json",
    "experiment_from_dict",
    "original_calogan",
]
