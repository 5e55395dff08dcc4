"""Showers from exported networks, without TensorFlow; what all generators have in common."""
