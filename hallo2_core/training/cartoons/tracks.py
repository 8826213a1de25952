"""What an actor does, one number per frame: the performance as curves, before anything is drawn."""

from __future__ import annotations

from dataclasses import dataclass, fields

import torch
from torch import Tensor

EXPRESSIONS = ("neutral", "happy", "sad", "angry", "surprised")


@dataclass(frozen=True)
class Tracks:
    """Curves over f frames, each (f) float32, but `expression`: (f 5).

    The mouth's curves are what the sound asks for; the expression is added to them when the face is drawn.
    """

    mouth_open: Tensor  # 0 shut .. 1 as far as the mouth goes
    mouth_width: Tensor  # -1 narrow .. 0 at rest .. 1 wide
    mouth_round: Tensor  # 0 .. 1 pursed, as in "oo"
    teeth: Tensor  # 0 .. 1: how far the lower teeth come up to meet the upper ones, as in "s"
    tongue: Tensor  # 0 .. 1: how far the tongue comes up to the upper teeth, as in "l" and "th"
    blink: Tensor  # 0 eyes open .. 1 shut
    gaze_x: Tensor  # -1 to the picture's left .. 1 to its right
    gaze_y: Tensor  # -1 up .. 1 down
    brow: Tensor  # -1 lowered .. 1 raised
    yaw: Tensor  # degrees, positive turns to the picture's right; about -25 .. 25
    pitch: Tensor  # degrees, positive nods down; about -15 .. 15
    roll: Tensor  # degrees, positive is clockwise; about -15 .. 15
    breath: Tensor  # 0 breathed out .. 1 breathed in
    expression: Tensor  # (f 5): weights of EXPRESSIONS, 0..1, which sum to 1

    @staticmethod
    def still(frames: int = 1) -> Tracks:
        """A neutral face that looks into the camera with its mouth shut."""
        curves = {field.name: torch.zeros(frames) for field in fields(Tracks)}
        curves["expression"] = torch.eye(len(EXPRESSIONS))[:1].repeat(frames, 1)
        return Tracks(**curves)

    @property
    def frames(self) -> int:
        return self.mouth_open.shape[0]

    @property
    def device(self) -> torch.device:
        return self.mouth_open.device

    def __getitem__(self, frames: slice) -> Tracks:
        return Tracks(**{name: curve[frames] for name, curve in self.curves().items()})

    def to(self, device: torch.device | str) -> Tracks:
        return Tracks(**{name: curve.to(device) for name, curve in self.curves().items()})

    def curves(self) -> dict[str, Tensor]:
        """The tensors by name, as they are saved."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def weight_of(self, expression: str) -> Tensor:
        """(f): how much of this expression the face shows."""
        return self.expression[:, EXPRESSIONS.index(expression)]
