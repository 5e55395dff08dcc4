"""Every number that the source documents print, ours beside it, and what the comparison means (no TensorFlow)."""
