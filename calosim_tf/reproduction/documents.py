"""The source documents by the name of their page."""

from __future__ import annotations

from calosim_tf.errors import ConfigError
from calosim_tf.reproduction import (
    bib_ae,
    calo_shower_gan,
    conditional_calogan,
    conv2d_3dgan,
    lagan,
    lhcb_cvae,
    lhcb_sagan,
    survey,
)
from calosim_tf.reproduction.numbers import Document

DOCUMENTS: dict[str, Document] = {
    module.DOCUMENT.name: module.DOCUMENT
    for module in (
        *(calo_shower_gan, lhcb_sagan, lhcb_cvae, conditional_calogan, lagan),
        *(conv2d_3dgan, bib_ae, survey),
    )
}


def get_document(name: str) -> Document:
    """Document of that name; :class:`ConfigError` names the known ones."""
    if name not in DOCUMENTS:
        raise ConfigError(f"paper {name!r} is unknown: use one of {', '.join(DOCUMENTS)}")
    return DOCUMENTS[name]
