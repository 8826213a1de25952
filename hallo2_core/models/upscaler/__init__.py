"""The temporal VQ upscaler (paper §4.2): faces are encoded as codes, aligned over time, and decoded."""
