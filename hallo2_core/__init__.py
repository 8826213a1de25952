"""Hallo2 (arXiv 2410.07718) without a host: one portrait and a voice become a talking video of any length."""

__version__ = "0.1.0"
