import pytest
import torch
from safetensors import safe_open

from hallo2_core.checkpoints.demo import TRAINED, demo_hallo2, demo_speech_encoder, demo_text_adapter, demo_upscaler
from hallo2_core.checkpoints.networks import PREFIXES
from hallo2_core.checkpoints.small_model import SMALL_HALLO2, SMALL_WAV2VEC
from hallo2_core.checkpoints.text_control import with_text_adapter
from hallo2_core.models.layers import Build
from hallo2_core.timeline.demo_encoder import DemoTextEncoder

MOST_BYTES = 25_000_000  # of all trained weights


def files():
    return sorted(TRAINED.glob("*.safetensors"))


def test_the_trained_weights_are_half_precision_and_small_enough_to_ship():
    assert sum(path.stat().st_size for path in files()) <= MOST_BYTES
    for path in files():
        with safe_open(path, framework="pt") as file:
            dtypes = {file.get_slice(key).get_dtype() for key in file.keys()}  # noqa: SIM118 - not a dict
        assert dtypes == {"F16"}, path.name


def test_the_demos_parts_fit_together():
    models, encoder = demo_hallo2(), demo_speech_encoder()
    assert models.config == SMALL_HALLO2 and encoder.config == SMALL_WAV2VEC
    audio = SMALL_HALLO2.audio_projection
    assert (audio.layers, audio.feature_width) == (SMALL_WAV2VEC.layers, SMALL_WAV2VEC.width)
    assert SMALL_HALLO2.image_projection.embedding_width == 512  # real identity embeddings go in
    attached = with_text_adapter(models, demo_text_adapter())
    embedding = DemoTextEncoder().embed(["smiling"])
    assert embedding.shape == (1, attached.text_adapter.config.text_width)
    assert not attached.text_adapter.is_zero
    assert demo_upscaler().config.side_px == 512


def test_the_same_weights_every_time_and_others_in_another_precision():
    first, again, half = demo_hallo2(), demo_hallo2(), demo_hallo2(Build(dtype=torch.float16))
    assert first.fingerprint == again.fingerprint != half.fingerprint


@pytest.mark.parametrize("dtype", [None, torch.bfloat16])
def test_the_demo_in_another_dtype(dtype):
    models = demo_hallo2(Build(dtype=dtype))
    networks = (*(getattr(models, name) for name in PREFIXES), models.vae)
    found = {tensor.dtype for network in networks for tensor in network.state_dict().values()}
    assert found == {dtype or torch.float16}
