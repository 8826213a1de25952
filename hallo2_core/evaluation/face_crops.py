"""Square crops of the face, as SyncNet was trained on, from frames as they come."""

from __future__ import annotations

from collections import deque

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor

from ..errors import VideoError
from ..inspection.likeness import LEVELS
from ..portrait.face_analysis import FaceFinder

SMOOTHED_FRAMES = 13  # boxes are the median over so many frames
ROOM = 0.4  # around the face, in halves of its box: all of it at the sides, twice below, none above
BEYOND = 110.0  # the gray outside the picture


class FaceCrops:
    """Holds 13 frames: a crop comes out 6 frames after its frame went in."""

    def __init__(self, faces: FaceFinder, side_px: int) -> None:
        self._faces, self._side_px = faces, side_px
        self._frames: deque[Tensor] = deque()
        self._boxes: deque[Tensor] = deque(maxlen=SMOOTHED_FRAMES)
        self._last: Tensor | None = None

    def add(self, frame: Tensor) -> list[Tensor]:
        """frame: (h w 3) uint8.  Returns the crops that are finished, (s s 3) in 0..255.

        A frame without a face takes the last box. Errors: VideoError if the first frame has none.
        """
        found = self._faces.find(frame.float() / LEVELS)
        if found:
            self._last = _square(found[0].landmarks)
        if self._last is None:
            raise VideoError(
                "No face was found in the first frame, so lip sync cannot be measured. Trim the video, or leave 'sync' "
                "out of --metrics."
            )
        self._frames.append(frame)
        self._boxes.append(self._last)
        return [self._crop()] if len(self._frames) > SMOOTHED_FRAMES // 2 else []

    def rest(self) -> list[Tensor]:
        """The crops of the last frames."""
        return [self._crop() for _ in range(len(self._frames))]

    def _crop(self) -> Tensor:
        """Of the oldest frame held."""
        x, y, half = torch.stack(tuple(self._boxes)).median(dim=0).values.tolist()
        left, top, side = round(x - half * (1 + ROOM)), round(y - half), round(2 * half * (1 + ROOM))
        frame = self._frames.popleft()
        height, width = frame.shape[:2]
        pads = (max(-left, 0), max(left + side - width, 0), max(-top, 0), max(top + side - height, 0))
        whole = F.pad(rearrange(frame.float(), "h w c -> 1 c h w"), pads, value=BEYOND)
        left, top = left + pads[0], top + pads[2]
        crop = whole[..., top : top + side, left : left + side]
        resized = F.interpolate(crop, (self._side_px, self._side_px), mode="bilinear", align_corners=False)
        return rearrange(resized, "1 c h w -> h w c")


def _square(landmarks: Tensor) -> Tensor:
    """landmarks: (468 2).  Returns (3): center x, y and half of the longer side of their box."""
    low, high = landmarks.amin(dim=0), landmarks.amax(dim=0)
    return torch.cat([(low + high) / 2, (high - low).amax().unsqueeze(0) / 2])
