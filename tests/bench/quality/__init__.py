"""The sections of `demo_quality.py`: what the trained small model reaches, beside what its own truth reaches."""
