"""What can be inspected in a run besides its generator: its critic, its attention, its training showers."""
