"""Nodes that make video files: the host's cached result is invalidated when one of the files is gone."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from comfy_api.latest import InputImpl, io


@dataclass
class HandedOut:
    """Videos that this process returned to a graph."""

    inputs: dict[str, Any]
    paths: tuple[Path, ...]
    is_gone: bool = False


_handed_out: list[HandedOut] = []


class VideoNode(io.ComfyNode):
    """Subclasses implement how to make the video; the host only keeps the file."""

    @classmethod
    @abstractmethod
    def make_video(cls, **inputs: Any) -> Path:  # noqa: ANN401 - the inputs that the schema names
        """The finished file."""

    @classmethod
    def execute(cls, **inputs: Any) -> io.NodeOutput:  # noqa: ANN401 - the inputs that the schema names
        path = cls.make_video(**inputs)
        hand_out(inputs, path)
        return io.NodeOutput(InputImpl.VideoFromFile(str(path)))

    @classmethod
    def fingerprint_inputs(cls, **inputs: Any) -> int:  # noqa: ANN401 - the inputs that the schema names
        return times_gone(inputs)


def hand_out(inputs: dict[str, Any], *paths: Path) -> None:
    """Remember the files that were made from these inputs."""
    _handed_out.append(HandedOut(_typed(inputs), paths))


def times_gone(inputs: dict[str, Any]) -> int:
    """How often files that were made from these values are gone, for a node's fingerprint.

    The host runs a node again when its fingerprint changes. It passes widget values only, and None for inputs from
    wires.
    """
    asked = _typed(inputs).items()
    matching = [one for one in _handed_out if asked <= one.inputs.items()]
    for one in matching:
        one.is_gone = one.is_gone or not all(path.is_file() for path in one.paths)
    return sum(one.is_gone for one in matching)


def _typed(inputs: dict[str, Any]) -> dict[str, Any]:
    """The inputs that are widget values."""
    return {name: value for name, value in inputs.items() if isinstance(value, bool | int | float | str)}
