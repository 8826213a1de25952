"""The alignment stage (paper §4.2): only attention over time and its feed-forward layers are trained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor, nn

from ...models.upscaler.video_restorer import VideoRestorer
from ..batch import Batch
from ..draws import sample_generator
from ..records import RecordShards
from .code_stage import TEMPORAL, alignment_parts
from .prepare_codes import CODES, FEATURES
from .stage import RestorerStage, train_only


@dataclass(frozen=True)
class AlignmentSettings:
    clips: str  # a folder of shards, made by 'hallo2 prepare face_codes'
    validation_clips: str
    weights: str  # the file of the stage before
    frames: int = 8  # of the part of a clip that is learned from


@dataclass(frozen=True)
class CodedClips(Batch):
    features: Tensor  # (b f c s s), of the frozen encoder
    codes: Tensor  # (b f l), the true ones


class AlignmentObjective(nn.Module):
    """Cross-entropy of the codes; the release's other term, of the features, has no gradient in this stage."""

    def __init__(self, restorer: VideoRestorer) -> None:
        super().__init__()
        self.restorer = restorer
        train_only(restorer, alignment_parts(restorer, TEMPORAL))

    def forward(self, batch: CodedClips) -> dict[str, Tensor]:
        logits = rearrange(self.restorer.code_logits(batch.features).float(), "b f l n -> (b f l) n")
        codes = batch.codes.flatten()
        accuracy = (logits.argmax(dim=1) == codes).float().mean()
        return {"loss": F.cross_entropy(logits, codes), "accuracy": accuracy}


class AlignmentStage(RestorerStage):
    name = "upscaler_alignment"

    def __init__(self, restorer: VideoRestorer, settings: AlignmentSettings, clips: RecordShards,
                 held_back: RecordShards, seed: int) -> None:  # fmt: skip
        super().__init__(AlignmentObjective(restorer), settings, clips, held_back, seed)

    def batch(self, numbers: Sequence[int]) -> CodedClips:
        parts = [self._sample(number) for number in numbers]
        return CodedClips(*(torch.stack(part) for part in zip(*parts, strict=True)))

    def _sample(self, number: int) -> tuple[Tensor, Tensor]:
        draws = sample_generator(self._seed, number, self.name)
        record = int(torch.randint(len(self._records), (), generator=draws))
        frames = self._settings.frames
        first = int(torch.randint(self._records.rows(record, CODES) - frames + 1, (), generator=draws))
        return _coded(self._records, record, slice(first, first + frames))

    def validate(self) -> Mapping[str, float]:
        """Held-back clips, aligned and frame by frame: the share of correct codes, and of codes that change from a
        frame to the next although the true ones do not."""
        sums: dict[str, list[Tensor]] = {}
        for record in range(len(self._held_back)):
            features, true = (x.to(self.device) for x in _coded(self._held_back, record, slice(None)))
            still = true[1:] == true[:-1]
            for name, window in (("aligned", features.unsqueeze(0)), ("single", features.unsqueeze(1))):
                codes = self.restorer.code_logits(window).argmax(dim=-1).flatten(0, 1)
                sums.setdefault(f"accuracy_{name}", []).append((codes == true).float().mean())
                sums.setdefault(f"changes_{name}", []).append((codes[1:] != codes[:-1])[still].float().mean())
        return {name: float(torch.stack(values).mean()) for name, values in sums.items()}


def _coded(clips: RecordShards, record: int, rows: slice) -> tuple[Tensor, Tensor]:
    return clips.read(record, FEATURES, rows).float(), clips.read(record, CODES, rows).long()
