"""Lip sync of a video with sound: faces and sound through SyncNet, as they come."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Protocol

import torch
from torch import Tensor

from ..audio.speech_signal import SPEECH_RATE_HZ, SpeechSignal
from .face_crops import FaceCrops
from .mfcc import mfcc
from .networks.syncnet import FPS, FRAMES, WIDTH
from .sync_score import SyncScore

STEPS_PER_FRAME, SOUND_STEPS = 4, 20  # of 10 ms; 20 are five frames at 25 fps
BATCH = 8


class SyncEmbedder(Protocol):
    """SyncNet, or a stand-in."""

    def lips(self, faces: Tensor) -> Tensor: ...

    def sound(self, mfcc: Tensor) -> Tensor: ...


class Sync:
    """Sync-C, Sync-D and the offset. Holds a few dozen frames."""

    def __init__(
        self, network: SyncEmbedder, crops: FaceCrops, signal: SpeechSignal, device: torch.device, width: int = WIDTH
    ) -> None:
        self._network, self._crops, self._signal, self._device = network, crops, signal, device
        self._score = SyncScore(width)
        self._window: deque[Tensor] = deque(maxlen=FRAMES)
        self._waiting: list[Tensor] = []  # windows (5 s s 3) of consecutive frames
        self._first = 0  # frame of the first waiting window

    def add(self, frame: Tensor, reference: Tensor | None = None) -> Mapping[str, float]:
        """frame: (h w 3) uint8, at 25 frames per second. Needs no reference. Errors: VideoError."""
        self._take(self._crops.add(frame))
        return {}

    def figures(self) -> Mapping[str, float]:
        """After the last frame. Nothing for a video of less than six frames with sound."""
        self._take(self._crops.rest())
        self._embed()
        result = self._score.result()
        if result is None:
            return {}
        return {"sync_c": result.confidence, "sync_d": result.distance, "sync_offset": result.offset_frames}

    def _take(self, crops: list[Tensor]) -> None:
        for crop in crops:
            self._window.append(crop)
            if len(self._window) == FRAMES:
                self._waiting.append(torch.stack(tuple(self._window)))
            if len(self._waiting) == BATCH:
                self._embed()

    def _embed(self) -> None:
        """The waiting windows whose sound is there, and of the last one's end too."""
        frames_with_sound = self._signal.samples * FPS // SPEECH_RATE_HZ
        usable = max(min(len(self._waiting), frames_with_sound - FRAMES - self._first), 0)
        if usable:
            faces = torch.stack(self._waiting[:usable]).to(self._device)
            steps = mfcc(self._signal, self._first * STEPS_PER_FRAME, (usable - 1) * STEPS_PER_FRAME + SOUND_STEPS)
            sounds = steps.unfold(0, SOUND_STEPS, STEPS_PER_FRAME).to(self._device)  # (n 13 20)
            self._score.add(self._network.lips(faces).cpu().float(), self._network.sound(sounds).cpu().float())
        self._first += len(self._waiting)
        self._waiting = []
