import torch

from hallo2_core.checkpoints.demo import DEMO_HALLO2, demo_hallo2
from hallo2_core.checkpoints.networks import PREFIXES
from hallo2_core.checkpoints.seeded import seeded_tensor
from hallo2_core.config import DEMO_WAV2VEC
from hallo2_core.models.layers import Build


def test_the_demo_has_every_network_the_size_it_says_and_the_same_weights_every_time():
    first, second = demo_hallo2(), demo_hallo2()
    assert first.is_demo and first.fingerprint == second.fingerprint
    tensors = [tensor for name in PREFIXES for tensor in getattr(first, name).state_dict().values()]
    assert 4.4e6 <= sum(tensor.numel() for tensor in tensors) <= 4.8e6
    key = "down_blocks.0.attentions.0.proj_in.weight"
    weight = first.reference_net.state_dict()[key]
    assert torch.equal(weight, seeded_tensor(f"reference_unet.{key}", weight.shape))
    assert first.vae.config.block_widths == (32, 32, 32, 32)


def test_the_demo_hears_what_its_speech_encoder_says():
    audio = DEMO_HALLO2.audio_projection
    assert (audio.layers, audio.feature_width) == (DEMO_WAV2VEC.layers, DEMO_WAV2VEC.width)
    assert DEMO_HALLO2.image_projection.embedding_width == 512  # real identity embeddings go in
    assert DEMO_HALLO2.image_projection.token_width == DEMO_HALLO2.unet.face_token_width
    assert audio.token_width == DEMO_HALLO2.unet.audio_token_width


def test_the_demo_in_another_dtype():
    models = demo_hallo2(Build(dtype=torch.bfloat16))
    networks = (*(getattr(models, name) for name in PREFIXES), models.vae)
    assert {tensor.dtype for network in networks for tensor in network.state_dict().values()} == {torch.bfloat16}
