"""Joint training with prompts: the last part of the small model's training, with the text adapter beside it.

The paper trains the adapter on a frozen model. A model of 7 million weights that has never been asked for an expression
has learned none apart from the frames before a clip, so an adapter finds nothing to ask for. Here half of the samples
are joint training's, without a prompt, and half are text control's, with gradients into the model as well. Without a
prompt the adapter does nothing, so the model alone is trained to work without it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from torch import nn

from ..errors import SettingsError
from .cartoons import EXPRESSIONS
from .joint_stage import JointStage, JointStageSettings
from .text_objective import PromptedClip, PromptedClips
from .text_stage import TextStage, TextStageSettings

RUN = len(EXPRESSIONS)  # of samples of one kind: text control's takes come with one of every expression


@dataclass(frozen=True)
class JointTextStageSettings:
    joint: JointStageSettings  # of the samples without a prompt; its objective is that of all samples
    text: TextStageSettings  # of the samples with a prompt; their model, VAE and length are those of `joint`

    def __post_init__(self) -> None:
        joint, text = self.joint, self.text
        for name, other, own in (
            ("model", text.model, joint.weights),
            ("vae", text.vae, joint.vae),
            ("frames", text.frames, joint.frames),
            ("motion_frames", text.motion_frames, joint.motion_frames),
        ):
            if other != own:
                raise SettingsError(
                    f"{name} of [joint_text.text] is {other!r}, but [joint_text.joint] has {own!r}. All samples of a "
                    f"batch go through one model: write the same in both."
                )


class JointTextStage:
    name = "joint_text"

    def __init__(self, joint: JointStage, text: TextStage) -> None:
        """text: trains its model, which is the one of `joint`."""
        self.network = text.network
        self._joint = joint
        self._text = text
        self._width = text.encoder.config.text_width

    @property
    def prompt_gain(self) -> float:
        return self._text.prompt_gain

    def batch(self, numbers: Sequence[int]) -> PromptedClips:
        return PromptedClips.of([self.sample(number) for number in numbers])

    def sample(self, number: int) -> PromptedClip:
        """Five without a prompt, then five with one, and so on."""
        run, place = divmod(number, RUN)
        own_number = run // 2 * RUN + place
        if run % 2:
            return self._text.sample(own_number)
        return PromptedClip.without_prompt(self._joint.sample(own_number), self._width)

    def is_matrix(self, name: str, parameter: nn.Parameter) -> bool:
        if name.startswith("model."):
            return self._joint.is_matrix(name.removeprefix("model."), parameter)
        return self._text.is_matrix(name, parameter)

    def validate(self) -> Mapping[str, float]:
        """As joint training and as text control, whose `gain` is now the prompts' share of what both have learned."""
        parts = {"joint": self._joint.validate(), "text": self._text.validate()}
        return {f"{kind}_{name}": value for kind, figures in parts.items() for name, value in figures.items()}
