"""How a stored picture is turned and mirrored for display: phones and cameras note it as a matrix beside the pixels."""

from __future__ import annotations

import struct
from dataclasses import dataclass

import av
from av.sidedata.sidedata import SideDataContainer, Type
from einops import rearrange
from torch import Tensor

from ..errors import VideoError

ONE = 1 << 16  # the matrix has 16 fractional bits
TOLERANCE = ONE // 100
MATRIX = struct.Struct("=9i")


@dataclass(frozen=True)
class Orientation:
    """First rows and columns are exchanged, then the picture is flipped: the eight right-angled display matrices."""

    is_transposed: bool = False
    flips_x: bool = False
    flips_y: bool = False

    def size(self, width: int, height: int) -> tuple[int, int]:
        """Of the displayed picture."""
        return (height, width) if self.is_transposed else (width, height)

    def upright(self, picture: Tensor) -> Tensor:
        """(h w c) as stored → (h w c) as displayed."""
        if self == Orientation():
            return picture
        if self.is_transposed:
            picture = rearrange(picture, "h w c -> w h c")
        axes = [axis for axis, flips in ((0, self.flips_y), (1, self.flips_x)) if flips]
        return picture.flip(axes).contiguous()


def orientation_of(frame: av.VideoFrame, name: str) -> Orientation:
    """name: of the video, for the message. Errors: VideoError for a picture displayed at any other angle."""
    # frame.side_data would stay in the frame, which it refers to: such a cycle keeps the picture until a collection.
    matrix = SideDataContainer(frame).get(Type.DISPLAYMATRIX)
    return Orientation() if matrix is None else orientation_from(bytes(matrix), name, frame.rotation)


def orientation_from(matrix: bytes, name: str, degrees: float) -> Orientation:
    """degrees: of the rotation, for the message. Errors: VideoError."""
    if len(matrix) != MATRIX.size:
        raise VideoError(f"{name} is damaged: its display matrix has {len(matrix)} bytes instead of {MATRIX.size}.")
    # A stored point (x, y), y downwards, is displayed at (a x + c y, b x + d y).
    a, b, _, c, d, _, _, _, _ = MATRIX.unpack(matrix)
    if max(abs(a), abs(b), abs(c), abs(d)) < TOLERANCE:  # some recorders leave it empty, and players ignore it then
        return Orientation()
    if max(abs(b), abs(c)) < TOLERANCE < min(abs(a), abs(d)):
        return Orientation(False, a < 0, d < 0)
    if max(abs(a), abs(d)) < TOLERANCE < min(abs(b), abs(c)):
        return Orientation(True, c < 0, b < 0)
    raise VideoError(
        f"{name} is to be displayed tilted by {degrees:g} degrees; only right angles are supported. Save it "
        f"upright first."
    )
