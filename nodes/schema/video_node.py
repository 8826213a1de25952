"""What every node has that makes a video file: the host forgets its result when the file is gone."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from comfy_api.latest import InputImpl, io


@dataclass
class HandedOut:
    """A video that this process made for a graph."""

    inputs: dict[str, Any]
    path: Path
    is_gone: bool = False


_handed_out: list[HandedOut] = []


class VideoNode(io.ComfyNode):
    """Subclasses say how to make the video; the file is all that the host keeps of it.

    The host runs a node again when its fingerprint changes. It asks with the values typed into the node only, those
    that come over wires are None: so the fingerprint counts the files that were made from these values and are gone.
    """

    @classmethod
    def make_video(cls, **inputs: Any) -> Path:  # noqa: ANN401 - the inputs that the schema names
        raise NotImplementedError

    @classmethod
    def execute(cls, **inputs: Any) -> io.NodeOutput:  # noqa: ANN401 - the inputs that the schema names
        path = cls.make_video(**inputs)
        _handed_out.append(HandedOut(_typed(inputs), path))
        return io.NodeOutput(InputImpl.VideoFromFile(str(path)))

    @classmethod
    def fingerprint_inputs(cls, **inputs: Any) -> int:  # noqa: ANN401 - the inputs that the schema names
        asked = _typed(inputs).items()
        matching = [one for one in _handed_out if asked <= one.inputs.items()]
        for one in matching:
            one.is_gone = one.is_gone or not one.path.is_file()
        return sum(one.is_gone for one in matching)


def _typed(inputs: dict[str, Any]) -> dict[str, Any]:
    """Those that can be typed into a node."""
    return {name: value for name, value in inputs.items() if isinstance(value, bool | int | float | str)}
