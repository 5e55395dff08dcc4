"""What attributes of a particle say of its trajectory (no TensorFlow)."""

from __future__ import annotations

from calosim_tf.geometry.detector import VoxelDetector

# Attributes -> how slopes and the point at the front follow from them (calosim_tf.layers.framed.particle_frame)
MOMENTUM, ANGLES = "momentum", "angles"
KINDS = {
    ("px_gev", "py_gev", "pz_gev", "x_cm", "y_cm"): MOMENTUM,
    ("theta_rad", "phi_rad", "x0_mm", "y0_mm"): ANGLES,
}


def trajectory_kind(detector: VoxelDetector) -> str:
    """``momentum`` or ``angles``; empty where the attributes give no slopes and no point at the front."""
    return KINDS.get(detector.attributes, "")
