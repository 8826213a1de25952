"""Measures of a finished video over its length: seams between clips, and drift from the portrait."""
