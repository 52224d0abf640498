"""The coffee-roasting network as a smoke test of one TensorFlow environment."""
