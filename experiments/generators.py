"""One name for each generator of the package: what tables of all of them have in their rows."""

from __future__ import annotations

# Every network that a paper published, and ours; other experiments differ from these in data, training or critic alone
GENERATORS = (
    *("photon", "photon_wide", "photon_2gan", "photon_3gan", "photon_layernorm", "pion", "pion_layernorm"),
    *("fastcalogan_v1_photon", "fastcalogan_v2_photon", "fastcalogan_v2_pion"),
    *("lhcb_wgan", "lhcb_sagan", "lhcb_sagan_sn_gd", "lhcb_cvae", "lhcb_cvae_cgan", "lhcb_cvae_cgan_2020"),
    *("calogan_eplus", "conditional_calogan_eplus", "lagan"),
    *("conv2d_g1", "conv2d_g2", "conv2d_g3", "conv3d", "conv3d_angle"),
    *("bib_ae_photon", "ilc_wgan_photon", "ilc_gan_photon"),
    *("caloflow_eplus", "caloflow_eplus_student", "caloflow_photon", "caloflow_photon_student"),
    *("caloflow_pion", "caloflow_pion_student"),
    *("photon_factorised", "pion_factorised", "lhcb_factorised", "calogan_factorised"),
)
# Left out of the table of costs: the same network as another row, but for a normalised kernel or a width
VARIANTS = frozenset({"photon_wide", "photon_2gan", "photon_layernorm", "pion_layernorm", "lhcb_sagan_sn_gd"})
