"""Upscale any video: faces are restored in windows of frames, the rest is resampled. Bounded memory."""
