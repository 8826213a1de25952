import json

import pytest
import torch

from hallo2_core.checkpoints.upscaler_keys import matching_rows, renamed
from hallo2_core.config import UpscalerConfig
from hallo2_core.errors import CheckpointError
from hallo2_core.models.layers import Build
from hallo2_core.models.upscaler.video_restorer import VideoRestorer
from hallo2_core.selftest.case import GOLDENS

RELEASED = json.loads((GOLDENS / "manifest_net_g.json").read_text())


def test_every_released_key_is_covered_by_exactly_one_row():
    assert len(RELEASED) == 623
    assert [key for key in RELEASED if len(matching_rows(key)) != 1] == []


def test_the_released_keys_are_exactly_our_network():
    tensors = ((key, torch.empty(shape, device="meta")) for key, shape in RELEASED.items())
    names = [(name, tuple(tensor.shape)) for name, tensor in renamed(tensors)]
    network = VideoRestorer(UpscalerConfig(), Build(device="meta"))
    assert len(names) == len(dict(names)), "two keys have one name"
    assert dict(names) == {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}


def test_torch_attention_weights_are_parted_into_queries_with_keys_and_values():
    stacked = torch.arange(12.0).reshape(6, 2)
    parts = dict(renamed([("ft_layers.3.temp_attn.in_proj_weight", stacked)]))
    attention = "temporal_alignment.3.temporal_attn"
    assert torch.equal(parts[f"{attention}.to_qk.weight"], stacked[:4])
    assert torch.equal(parts[f"{attention}.to_v.weight"], stacked[4:])


@pytest.mark.parametrize("key", ["discriminator.0.weight", "position_emb.weight", "xencoder.blocks.0.weight"])
def test_an_unknown_key_is_an_error_that_names_it(key):
    with pytest.raises(CheckpointError, match=key):
        list(renamed([(key, torch.zeros(1))]))
