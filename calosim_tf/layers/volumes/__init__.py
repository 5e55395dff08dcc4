"""Layers of three-dimensional images (batch, layer, row, column, channel)."""
