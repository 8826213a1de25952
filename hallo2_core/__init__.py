"""Hallo2 (arXiv 2410.07718), independent of the host: portrait + voice → talking video of any length."""

__version__ = "0.2.0"
