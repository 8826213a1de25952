"""Where a part of the face lies in the picture: an affine map per frame from its own coordinates to the picture's."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from einops import rearrange
from torch import Tensor


@dataclass(frozen=True)
class Placement:
    """origin: (f 2), the local 0, 0 in the picture.  axes: (f 2 2), whose columns are the local x and y axes there."""

    origin: Tensor
    axes: Tensor

    def local(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """The picture's x (1 1 w) and y (1 h 1) in local coordinates: two of (f h w)."""
        inverse = rearrange(torch.linalg.inv(self.axes), "f a b -> a b f 1 1")
        x, y = x - self._origin(0), y - self._origin(1)
        return inverse[0, 0] * x + inverse[0, 1] * y, inverse[1, 0] * x + inverse[1, 1] * y

    def picture(self, x: Tensor | float, y: Tensor | float) -> Tensor:
        """Local points in the picture. x, y: (f) or numbers.  Returns (f 2)."""
        x, y = (torch.as_tensor(value, device=self.origin.device).float() for value in (x, y))
        return self.origin + self.axes[:, :, 0] * x.reshape(-1, 1) + self.axes[:, :, 1] * y.reshape(-1, 1)

    def px(self, picture_px: float) -> Tensor:
        """(f 1 1): a pixel's side in local units, the mean of both directions."""
        return picture_px / rearrange(torch.linalg.det(self.axes).abs().sqrt(), "f -> f 1 1")

    def bounds(self, left: float, top: float, right: float, bottom: float) -> tuple[list[float], list[float]]:
        """The picture's corners, (x, y) low and high, around a local rectangle in every frame."""
        corners = torch.stack([self.picture(x, y) for x in (left, right) for y in (top, bottom)])
        corners = rearrange(corners, "k f c -> (k f) c")
        return corners.amin(dim=0).tolist(), corners.amax(dim=0).tolist()

    def _origin(self, axis: int) -> Tensor:
        return rearrange(self.origin[:, axis], "f -> f 1 1")
