"""What a finished video looks like over its length: seams between clips, and drift away from the portrait."""
