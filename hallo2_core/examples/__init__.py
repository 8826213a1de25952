"""The pictures and sounds that ship with the pack (where they come from: README.md beside them)."""

from pathlib import Path

PORTRAIT = Path(__file__).with_name("portrait.png")
VOICE = Path(__file__).with_name("voice.wav")
TWO_FACES = Path(__file__).with_name("two_faces.png")
CONVERSATION = Path(__file__).with_name("conversation.wav")
