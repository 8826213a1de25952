"""The portrait and the voice that ship with the pack (where they come from: README.md beside them)."""

from pathlib import Path

PORTRAIT = Path(__file__).with_name("portrait.png")
VOICE = Path(__file__).with_name("voice.wav")
