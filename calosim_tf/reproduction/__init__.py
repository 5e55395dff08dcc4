"""Every number that the source documents print next to ours, and the status of the comparison (no TensorFlow)."""
