"""Training of the small upscaler: autoencoder, code prediction, feature fusion, temporal alignment (paper §4.2)."""
