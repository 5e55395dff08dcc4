"""Detectors as plain numbers: voxel edges, layer ids and index maps (no TensorFlow)."""

from calosim_tf.geometry.beams import Beam
from calosim_tf.geometry.detector import ORDERS, VoxelDetector
from calosim_tf.geometry.detectors import DATASET_2, DATASET_3, DETECTORS, PHOTON, PION, file_keys, get_detector
from calosim_tf.geometry.layers import CellLayer, VoxelLayer

__all__ = [
    "DATASET_2",
    "DATASET_3",
    "DETECTORS",
    "ORDERS",
    "PHOTON",
    "PION",
    "Beam",
    "CellLayer",
    "VoxelDetector",
    "VoxelLayer",
    "file_keys",
    "get_detector",
]
