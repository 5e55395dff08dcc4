"""What single papers measure, and the results that they print."""
