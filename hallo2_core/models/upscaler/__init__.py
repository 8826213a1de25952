"""The temporal VQ upscaler (paper §4.2): faces taken apart into codes, agreed on over time, and drawn anew."""
