"""Timelines: prompts and weights over the time of a video, written as text."""
