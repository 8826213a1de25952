"""Draws the editor's workflow files from API graphs and layouts; tools/draw_workflows.py is the entry."""
