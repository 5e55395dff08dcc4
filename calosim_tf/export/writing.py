"""One network on its way into a bundle: what a writer of a format is given."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from calosim_tf.bundle.checks import size_of, sum_of
from calosim_tf.bundle.formats import Format
from calosim_tf.bundle.sidecar import ModelFile
from calosim_tf.export.options import ExportOptions
from calosim_tf.export.parts import Part


@dataclass(frozen=True)
class NetworkWriter:
    """A network, where its files go and what was requested.

    Attributes
    ----------
    part : Part
    folder : Path
        Of the bundle.
    stem : str
        Beginning of the file names.
    options : ExportOptions
    float_models : dict
        Showers per call -> TensorFlow Lite model in float32, kept because quantised ones are compared with it.
    """

    part: Part
    folder: Path
    stem: str
    options: ExportOptions
    float_models: dict[int, bytes] = field(default_factory=dict)

    def path(self, kind: Format, batch: int | None = None) -> Path:
        """Where a file goes."""
        return self.folder / kind.file_name.format(stem=self.stem, batch=batch)

    def whole_file(self, kind: Format, content: bytes) -> list[ModelFile]:
        """Write the one file of a format that takes any number of showers, and describe it."""
        path = self.path(kind)
        path.write_bytes(content)
        return [described(path)]


def described(path: Path, signature: str = "") -> ModelFile:
    """Record of an existing file or folder."""
    return ModelFile(path=path.name, sha256=sum_of(path), bytes=size_of(path), signature=signature)
