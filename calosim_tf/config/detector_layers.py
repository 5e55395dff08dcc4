"""What the settings of a network say of the detector that they name."""

from __future__ import annotations

from calosim_tf.geometry import VoxelDetector, get_detector


class DetectorLayers:
    """Of a network with a field ``detector``, a name of :mod:`calosim_tf.geometry`."""

    detector: str

    @property
    def geometry(self) -> VoxelDetector:
        """The detector itself; :class:`ConfigError` names the known ones."""
        return get_detector(self.detector)

    @property
    def n_layers(self) -> int:
        """Layers of the detector."""
        return len(self.geometry.layers)

    @property
    def layer_sizes(self) -> tuple[int, ...]:
        """Voxels of each layer."""
        return tuple(layer.n_voxels for layer in self.geometry.layers)

    @property
    def layer_shapes(self) -> tuple[tuple[int, int], ...]:
        """Layers that it is built for."""
        return tuple(layer.shape for layer in self.geometry.layers)
