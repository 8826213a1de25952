"""The small text encoder's file."""

from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import save_file

from hallo2_core import checkpoints
from hallo2_core.checkpoints.small_model import SMALL_TEXT
from hallo2_core.checkpoints.text_encoder import load_small_text_encoder
from hallo2_core.errors import CheckpointError
from hallo2_core.models.layers import Build
from hallo2_core.models.text_encoder import TextTransformer, pieces_of

SHIPPED = Path(checkpoints.__file__).parent / "trained" / "small_text_encoder.safetensors"


def test_the_shipped_one_puts_words_for_one_mood_together():
    prompts = [
        "smiling",
        "She laughs happily",
        "sad",
        "the man is crying",
        "in anger",
        "furious",
        "amazed",
        "wide eyes",
    ]
    encoder = load_small_text_encoder(SHIPPED, SMALL_TEXT)
    texts = [pieces_of(text, SMALL_TEXT.buckets) for text in [*prompts, "serious, slow nod", "calm"]]
    closeness = F.cosine_similarity(encoder(texts).unsqueeze(0), encoder(texts).unsqueeze(1), dim=-1)
    for first in range(0, 10, 2):
        others = [i for i in range(10) if i not in (first, first + 1)]
        assert closeness[first, first + 1] > 0.7
        assert closeness[first, others].max() < 0.4


def test_another_file_is_refused_by_name(tmp_path, spoil):
    tensors = TextTransformer(SMALL_TEXT, Build(dtype=torch.float32)).state_dict()
    spoil(tensors, "norm.weight")
    save_file(tensors, tmp_path / "a.safetensors")
    with pytest.raises(CheckpointError, match=r"a.safetensors is not the small .* \(such as norm.weight"):
        load_small_text_encoder(tmp_path / "a.safetensors", SMALL_TEXT)
