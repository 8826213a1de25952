import pytest
import torch
from tiny import normal

from hallo2_core.config import UpscalerConfig
from hallo2_core.models.layers import Build
from hallo2_core.models.upscaler.video_restorer import VideoRestorer
from hallo2_core.training.prepare_faces import FRAMES, LATENTS, SEEN
from hallo2_core.training.records import RecordShards, write_shard
from hallo2_core.training.upscaler.fresh_weights import fill_with_fresh_weights

TINY = UpscalerConfig(
    side_px=64, widths=(8, 12, 12, 8), blocks_per_level=1, norm_groups=1, codes=16, code_width=4, token_width=16,
    feed_forward_width=32, heads=2, alignment_layers=1, fused_sides=(16, 32), latent_widths=(8,),
)  # fmt: skip


def fresh_restorer(seed=0):
    restorer = VideoRestorer(TINY, Build(dtype=torch.float32))
    fill_with_fresh_weights(restorer, seed)
    return restorer


@pytest.fixture
def restorer():
    return fresh_restorer()


@pytest.fixture
def faces(tmp_path):
    """Two records of three frames of 64 px, seen at 16, and random latents."""
    records = []
    for number in range(2):
        seen = (normal(number, 3, 3, 16, 16).sigmoid() * 255).byte()
        frames = torch.nn.functional.interpolate(seen.float(), scale_factor=4.0, mode="bilinear").round().byte()
        records.append({FRAMES: frames, SEEN: seen, LATENTS: normal(number, 3, 4, 2, 2).half()})
    write_shard(records, tmp_path / "faces" / "faces-000000.safetensors")
    return RecordShards(tmp_path / "faces")
