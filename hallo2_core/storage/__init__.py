"""Atomic files on a disk that may fill up, vanish or lose power: complete or absent."""
