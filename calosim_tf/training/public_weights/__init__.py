"""Public weights of others as a run folder: conv3d (Keras 2) and the LHCb WGAN (PyTorch)."""
