"""Distillation: a LoRA with which the model takes few steps without guidance for its own many with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch
from safetensors import safe_open
from torch import Tensor, nn

from ..animation.noise_schedule import signal_levels, timesteps
from ..errors import SettingsError
from .distil_objective import DistilObjective, Step, Steps
from .draws import sample_generator
from .joint_stage import ClipSettings, JointStage
from .records import write_shard
from .released_model import DTYPES, ModelSettings
from .sampled_clips import SamplingSettings
from .text_objective import PromptedClip, PromptedClips

PATH = "0/path"  # of record 0 of a shard


@dataclass(frozen=True)
class TeacherSettings:
    steps: int = 40
    guidance: float = 3.5
    dtype: str = "bf16"  # of its arithmetic

    def __post_init__(self) -> None:
        if self.dtype not in DTYPES:
            raise SettingsError(f"dtype of the teacher is '{self.dtype}'; choose one of {', '.join(DTYPES)}.")


@dataclass(frozen=True)
class PromptSettings:
    """Of a model with a text adapter: half of the clips then have prompts."""

    adapter: str = ""  # its file; "": clips without prompts
    text_encoder: str = ""
    takes: str = ""  # as for text control


@dataclass(frozen=True)
class DistilStageSettings(ClipSettings):
    model: ModelSettings = field(kw_only=True)  # with a lora_rank
    steps: int = 4  # of the student
    teacher: TeacherSettings = field(default_factory=TeacherSettings)
    prompts: PromptSettings = field(default_factory=PromptSettings)
    paths: int = 1000  # that the teacher makes
    path_folder: str = "output/training/distil_paths"  # where they are kept
    frames: int = 16
    uncond_ratio: float = 0.0
    validation_samples: int = 4
    sampling: SamplingSettings = field(default_factory=lambda: SamplingSettings(clips=0))  # no drawn truth to compare

    def __post_init__(self) -> None:
        if self.uncond_ratio or self.uncond_image_ratio or self.uncond_audio_ratio:
            raise SettingsError(
                "The student samples without guidance, so it always has its conditions. Leave out uncond_ratio, "
                "uncond_image_ratio and uncond_audio_ratio."
            )
        if not self.model.lora_rank:
            raise SettingsError("lora_rank in the table 'model' is 0; a student is a LoRA. Choose 1 or more.")
        if min(self.steps, self.teacher.steps) < 1 or self.teacher.steps % self.steps or 1000 % self.teacher.steps:
            raise SettingsError(
                f"The student takes {self.steps} steps and the teacher {self.teacher.steps}. The student's timesteps "
                f"have to be among the teacher's: choose a teacher with a multiple of the student's steps that divides "
                f"1000, such as 20 or 40 for 4."
            )

    @property
    def of_student(self) -> DistilStageSettings:
        """The same, with clips and videos sampled as the student is made for."""
        sampling, video = (replace(one, steps=self.steps, guidance=1.0) for one in (self.sampling, self.video))
        return replace(self, sampling=sampling, video=video)


class DistilStage:
    name = "distil"

    def __init__(
        self,
        network: DistilObjective,
        settings: DistilStageSettings,
        joint: JointStage,
        samples: Callable[[int], PromptedClip],
        folder: Path,
        seed: int,
    ) -> None:
        """joint: of the held-back clips, sampled as the student is made for.  samples: those to learn from, by number.
        folder: of the paths of this teacher and these samples."""
        self.network = network
        self.settings = settings
        self._joint = joint
        self._samples = samples
        self._folder = folder
        self._seed = seed

    def batch(self, numbers: Sequence[int]) -> Steps:
        """Steps follow one another in turn, each on any of the teacher's paths."""
        drawn = [sample_generator(self._seed, number, "distil") for number in numbers]
        paths = [int(torch.randint(self.settings.paths, (), generator=draws)) for draws in drawn]
        places = [number % self.settings.steps for number in numbers]
        return self._steps("learned", self._samples, list(zip(paths, places, strict=True)))

    def _steps(self, kind: str, samples: Callable[[int], PromptedClip], chosen: Sequence[tuple[int, int]]) -> Steps:
        """chosen: of each step the path, and its number among the student's steps."""
        clips = {path: samples(path) for path, _ in chosen}
        files = {path: self._folder / f"{kind}-{path:06d}.safetensors" for path in clips}
        self._keep({files[path]: clip for path, clip in clips.items() if not files[path].is_file()})
        return Steps.of([self._step(clips[path], files[path], place) for path, place in chosen])

    def _step(self, prompted: PromptedClip, file: Path, place: int) -> Step:
        steps, stride = self.settings.steps, self.settings.teacher.steps // self.settings.steps
        first = place * stride
        with safe_open(file, framework="pt") as kept:
            points = kept.get_slice(PATH)[first : first + stride + 1][::stride].float()
        levels = torch.cat([signal_levels()[timesteps(steps)], torch.ones(1)])
        at_begin = replace(prompted, clip=replace(prompted.clip, timestep=timesteps(steps)[place]))
        return Step(at_begin, *points, levels[place : place + 2])

    def _keep(self, missing: Mapping[Path, PromptedClip]) -> None:
        """Compute the teacher's paths of these clips and write them to the files."""
        if not missing:
            return
        device, teacher = next(self.network.parameters()).device, self.settings.teacher
        clips = PromptedClips.of(list(missing.values())).to(device)
        with torch.autocast(device.type, DTYPES[teacher.dtype], enabled=teacher.dtype != "fp32"):
            paths = self.network.teacher_path(clips, teacher).to("cpu", torch.float16)
        for file, path in zip(missing, paths.unbind(dim=1), strict=True):
            write_shard([{"path": path}], file)

    def is_matrix(self, name: str, parameter: nn.Parameter) -> bool:
        return True

    def validate(self) -> Mapping[str, float]:
        """The loss of each of the student's steps on held-back clips, always the same ones; and the figures of clips
        sampled in so many steps."""
        device, figures = next(self.network.parameters()).device, {}
        for place in range(self.settings.steps):
            chosen = [(path, place) for path in range(self.settings.validation_samples)]
            steps = self._steps("held_back", self._held_back, chosen).to(device)
            figures[f"loss_of_step_{place + 1}"] = float(self.network(steps)["loss"])
        return figures | self._joint.sampled_figures()

    def sample_video(self) -> Tensor:
        return self._joint.sample_video()

    def _held_back(self, number: int) -> PromptedClip:
        return PromptedClip.without_prompt(self._joint.held_back_sample(number), self.network.prompt_width)
