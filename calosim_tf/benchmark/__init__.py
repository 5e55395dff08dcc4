"""How fast generators are, against what the machine can do, without TensorFlow."""
