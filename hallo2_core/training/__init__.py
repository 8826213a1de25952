"""Training: everything that produces weights. Not imported when a video is rendered."""
