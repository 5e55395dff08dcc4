"""Speed of generators against what the machine can do, without TensorFlow."""
