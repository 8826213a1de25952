"""Training: everything that makes weights rather than using them. Nothing here is imported when a video is made."""
