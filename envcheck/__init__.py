"""envcheck: why TensorFlow cannot see the GPU, or will not import, and what mends it."""

__version__ = "0.1.0"
