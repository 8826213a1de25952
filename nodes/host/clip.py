"""The host's CLIP, as the core's `TextEncoder`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from ...hallo2_core.errors import SettingsError, TimelineError
from ...hallo2_core.models.fingerprint import weights_fingerprint

if TYPE_CHECKING:
    from ...hallo2_core.timeline.prompts import TextEncoder

SD1_TOWER = "l"  # the host's name for CLIP ViT-L/14
START_TOKEN, END_TOKEN = 49406, 49407  # of its vocabulary
EMBEDDING_FILE = "embedding:"  # prefix of an embedding file's name, whose vectors the host inserts into a prompt


def text_encoder(clip: Any) -> TextEncoder:  # noqa: ANN401 - the host's CLIP class is no declared API
    """The connected CLIP, or the demo model's own text encoder."""
    from ...hallo2_core.timeline.demo_encoder import DemoTextEncoder

    return DemoTextEncoder() if clip is None else HostTextEncoder(clip)


class HostTextEncoder:
    """`TextEncoder` over the host's CLIP, which the host keeps loaded. Only the text encoder of SD 1.x is accepted.

    The text is used literally: weights in brackets have no effect. Neither has "CLIP Set Last Layer": adapters are
    trained on the last layer.
    """

    is_demo = False

    def __init__(self, clip: Any) -> None:  # noqa: ANN401 - the host's CLIP class is no declared API
        towers = ", ".join(clip.tokenize("a"))
        if towers != SD1_TOWER:
            raise SettingsError(
                f"The connected CLIP is not an SD 1.x text encoder (its parts: {towers}). Choose clip_l.safetensors in "
                f"'Load CLIP' with type stable_diffusion, or connect the CLIP of an SD 1.x checkpoint."
            )
        self.clip = clip.clone()
        self.clip.clip_layer(None)

    @property
    def fingerprint(self) -> str:
        return weights_fingerprint({"clip.": self.clip.cond_stage_model})

    def embed(self, texts: Sequence[str]) -> Tensor:
        return torch.stack([self._embed(text) for text in texts])

    def _embed(self, text: str) -> Tensor:
        """(d): the hidden state at the first end-of-text token; the host pads with more of them."""
        from ...hallo2_core.timeline.clip_encoder import too_long
        from ...hallo2_core.timeline.prompts import TEXT_WIDTH

        if any(word.startswith(EMBEDDING_FILE) for word in text.split()):
            raise TimelineError(
                f"The prompt '{text}' names an embedding file, which adapters are not trained on. Use words."
            )
        sections = self.clip.tokenize(text.replace("(", "\\(").replace(")", "\\)"), disable_weights=True)[SD1_TOWER]
        tokens = [token for token, _weight in sections[0]]
        if len(sections) > 1:
            raise too_long(text, sum(token not in (START_TOKEN, END_TOKEN) for part in sections for token, _ in part))
        hidden = self.clip.encode_from_tokens({SD1_TOWER: sections})
        if hidden.shape[-1] != TEXT_WIDTH:
            raise SettingsError(
                f"The connected CLIP is {hidden.shape[-1]} numbers wide; the text encoder of SD 1.x has {TEXT_WIDTH}."
            )
        return hidden[0, tokens.index(END_TOKEN)].float().cpu()
