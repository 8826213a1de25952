"""Text control: the adapter, on a frozen model, from clips of talking cartoons whose moods are known.

Most portraits are neutral and the frames before a clip may show another mood, so that the prompt is the only thing that
tells the expression. Five samples in a row are takes of one performance, with every expression and the same noise: what
the model cannot know, such as how the head moves, is the same in all of them and cancels in the gradient. Other samples
are clips in which moods change. There is no condition dropout: a frame without a prompt is the frozen model's, to the
bit, and has no gradient.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor, nn

from ..animation.noise_schedule import TRAINING_STEPS
from ..errors import SettingsError
from ..models.text_encoder import TextTransformer, pieces_of
from ..timeline.prompts import TextWindow
from .cartoons import EXPRESSIONS
from .clip_batch import Clip
from .clip_reading import PORTRAIT, clip_of, portrait_of
from .clip_records import FRAMES, LATENTS, MOOD, SEED
from .denoiser_objective import ObjectiveSettings
from .draws import sample_generator, sample_rng, spread_timestep
from .motion_before import corrupted, motion_before
from .records import RecordShards
from .text_objective import PromptedClip, PromptedClips, TextObjective
from .text_phrases import drawn_phrase
from .text_portraits import NeutralPortraits
from .text_prompts import MoodTimeline, window_of
from .text_samples import TextSamples, TextSamplingSettings

VALIDATION_BATCHES, VALIDATION_BATCH = 4, 8


@dataclass(frozen=True)
class TextStageSettings:
    clips: str  # a folder of shards, as `clip_records` makes them, or a TOML file of several data sets
    validation_clips: str
    vae: str  # the file that encoded the clips' latents
    model: str  # the file of the frozen model
    text_encoder: str
    takes: str = ""  # the same, as `prepare_takes` makes them; "": none
    takes_ratio: float = 0.8  # of the samples, where there are takes
    weights: str = ""  # an adapter's file to begin with; "" starts from scratch
    hidden_width: int = 80  # of the adapter's MLPs
    prompt_gain: float = 1.0  # of prompts in the exported file, relative to training: as guidance, for the adapter
    frames: int = 4  # of a clip; more clips of fewer frames have more moods for the same work
    motion_frames: int = 2
    change_ratio: float = 0.8  # of the clips of performances with a change of mood that lie at it
    own_portrait_ratio: float = 0.15  # of the clips whose portrait is a frame of theirs, whatever it shows
    portrait_motion_ratio: float = 0.6  # of the clips that follow the portrait, like a video's first
    start_ratio: float = 0.15  # of the clips with nothing before them
    least_timestep: int = 250  # below it, the noisy frames show their expression, and prompts have nothing to say
    objective: ObjectiveSettings = field(default_factory=lambda: ObjectiveSettings(face_weight=4.0))
    sampling: TextSamplingSettings = field(default_factory=TextSamplingSettings)  # at validation


@dataclass(frozen=True)
class _Data:
    records: RecordShards
    portraits: NeutralPortraits
    seed: int
    takes: RecordShards | None = None


class TextStage:
    name = "text"

    def __init__(
        self,
        network: TextObjective,
        encoder: TextTransformer,
        settings: TextStageSettings,
        clips: RecordShards,
        held_back: RecordShards,
        seed: int,
        takes: RecordShards | None = None,
    ) -> None:
        """Errors: SettingsError for clips whose moods are not known."""
        self.network = network
        self.encoder = encoder.requires_grad_(False)
        self._settings = settings
        for records, folder in ((clips, settings.clips), (held_back, settings.validation_clips)):
            if not (records.has(0, MOOD) and records.has(0, SEED)):
                raise SettingsError(
                    f"The clips in {folder} do not say what their actors were asked to show. Text control learns from "
                    f"cartoons: make them with 'hallo2 prepare clips'."
                )
        size_px = clips.read(0, FRAMES, 0).shape[-1]
        vae = network.model.vae
        self._learned = _Data(clips, NeutralPortraits("train", size_px, vae), seed, takes)
        self._held_back = _Data(held_back, NeutralPortraits("held_back", size_px, vae), seed + 1)
        self._sampled: TextSamples | None = None

    @property
    def prompt_gain(self) -> float:
        return self._settings.prompt_gain

    def batch(self, numbers: Sequence[int]) -> PromptedClips:
        return PromptedClips.of([self.sample(number) for number in numbers])

    def sample(self, number: int) -> PromptedClip:
        return self._sample(self._learned, number)

    def _sample(self, data: _Data, number: int) -> PromptedClip:
        group, mood = divmod(number, len(EXPRESSIONS))
        if data.takes is not None and _chance(sample_generator(data.seed, group, "takes")) < self._settings.takes_ratio:
            return self._take(data, data.takes, group, mood)
        return self._clip(data, number)

    def _clip(self, data: _Data, number: int) -> PromptedClip:
        """With the moods that its performance has."""
        settings, records = self._settings, data.records
        draws = sample_generator(data.seed, number, "text")
        record = _drawn(len(records), draws)
        timeline = MoodTimeline.of(records.read(record, MOOD))
        first = self._first_frame(timeline, records.rows(record, LATENTS), draws)
        portrait = self._portrait(data, records, record, draws)
        before = motion_before(records, record, first, portrait[FRAMES], _chance(draws), settings)
        rng = sample_rng(data.seed, number, "text phrases")
        prompts = timeline.prompts(lambda mood: drawn_phrase(rng, mood, "train"), self.encoder)
        window = window_of(prompts, first, settings.frames)
        clip = self._noised(records, record, first, portrait, before, draws, number, data.seed)
        return PromptedClip(clip, window.embeddings, window.presence)

    def _take(self, data: _Data, takes: RecordShards, group: int, mood: int) -> PromptedClip:
        """One mood of a group: everything but the mood follows from the group."""
        settings, moods = self._settings, len(EXPRESSIONS)
        draws = sample_generator(data.seed, group, "text")
        actor = _drawn(len(takes) // moods, draws) * moods
        length = takes.rows(actor, LATENTS)
        first = settings.motion_frames + _drawn(length - settings.frames - settings.motion_frames + 1, draws)
        portrait = self._portrait(data, takes, actor, draws)
        before = motion_before(takes, actor + _drawn(moods, draws), first, portrait[FRAMES], _chance(draws), settings)
        phrase = drawn_phrase(sample_rng(data.seed, group * moods + mood, "text phrases"), EXPRESSIONS[mood], "train")
        embedding = self.encoder([pieces_of(phrase, self.encoder.config.buckets)])
        window = TextWindow(embedding.expand(settings.frames, -1), torch.ones(settings.frames))
        clip = self._noised(takes, actor + mood, first, portrait, before, draws, group, data.seed)
        return PromptedClip(clip, window.embeddings, window.presence)

    def _noised(
        self,
        records: RecordShards,
        record: int,
        first: int,
        portrait: Mapping[str, Tensor],
        before: Tensor,
        draws: torch.Generator,
        number: int,
        seed: int,
    ) -> Clip:
        """before: the frames before the clip, not yet corrupted.  number: what noise and timestep follow from."""
        latents = records.read(record, LATENTS, slice(first, first + self._settings.frames)).float()
        noise = torch.randn(latents.shape, generator=draws)
        clip = clip_of(records, record, first, portrait, latents, noise, before)
        least = self._settings.least_timestep
        return replace(
            clip,
            motion_pixels=corrupted(before, clip.face_region, seed, number),
            timestep=least + spread_timestep(number) * (TRAINING_STEPS - least) // TRAINING_STEPS,
        )

    def _first_frame(self, timeline: MoodTimeline, length: int, draws: torch.Generator) -> int:
        """Anywhere, or so that the clip holds part of a change of mood."""
        settings = self._settings
        low, high = settings.motion_frames, length - settings.frames
        if timeline.changes and _chance(draws) < settings.change_ratio:
            change = timeline.changes[_drawn(len(timeline.changes), draws)]
            low, high = max(low, min(change - settings.frames + 4, high)), min(high, max(change + 8, low))
        return low + _drawn(high - low + 1, draws)

    def _portrait(
        self, data: _Data, records: RecordShards, record: int, draws: torch.Generator
    ) -> Mapping[str, Tensor]:
        """One frame, as a record without the axis of frames."""
        if _chance(draws) >= self._settings.own_portrait_ratio:
            drawn = data.portraits.of(int(records.read(record, SEED)))
            return {name: drawn[name][0] for name in PORTRAIT}
        frame = _drawn(records.rows(record, LATENTS), draws)
        return portrait_of(records, record, frame)

    def is_matrix(self, name: str, parameter: nn.Parameter) -> bool:
        return name.startswith("control.") and "linear_2" in name

    def validate(self) -> Mapping[str, float]:
        """The loss on held-back clips, always the same ones with the same noise; how much of the frozen model's loss
        the prompts take away; and what is recognized in clips that are sampled for held-back actors."""
        device = next(self.network.parameters()).device
        with_text, without = [], []
        for number in range(VALIDATION_BATCHES):
            numbers = range(number * VALIDATION_BATCH, (number + 1) * VALIDATION_BATCH)
            batch = PromptedClips.of([self._sample(self._held_back, n) for n in numbers]).to(device)
            with_text.append(self.network(batch)["loss"])
            without.append(self.network.model(batch.clips)["loss"])
        loss, frozen = (float(torch.stack(losses).mean()) for losses in (with_text, without))
        figures = {"loss": loss, "gain": 1.0 - loss / frozen}
        if self._settings.sampling.actors:
            self._sampled = self._sampled or TextSamples(
                self._held_back.records,
                self._held_back.portraits,
                self.encoder,
                self._settings.sampling,
                self._settings.motion_frames,
            )
            figures |= self._sampled.figures(self.network)
        return figures


def _drawn(limit: int, draws: torch.Generator) -> int:
    return int(torch.randint(limit, (), generator=draws))


def _chance(draws: torch.Generator) -> float:
    return float(torch.rand((), generator=draws))
