"""Generator and critic of CaloGAN (arXiv:1705.02355) and Conditional CaloGAN (J. Phys. Conf. Ser. 1085 042017)."""

from calosim_tf.models.calogan_critic import build_companions, build_critic
from calosim_tf.models.calogan_generator import build_generator

__all__ = ["build_companions", "build_critic", "build_generator"]
