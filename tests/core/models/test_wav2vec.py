import subprocess
import sys
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from seeded_models import SEEDED_WAV2VEC, seeded_speech_encoder

from hallo2_core.config import Wav2VecConfig
from hallo2_core.models.wav2vec import ChannelStatistics, SpeechEncoder, interpolate, spread_positions


@pytest.fixture(scope="module")
def encoder():
    return seeded_speech_encoder()


def sound(samples, seed=0):
    return torch.randn(samples, generator=torch.Generator().manual_seed(seed))


@torch.no_grad()
def run(encoder, samples=16000, frames=25, **kwargs):
    return encoder(sound(samples), spread_positions(encoder.features_of(samples), frames), **kwargs)


def test_the_released_shape_is_wav2vec2_base():
    encoder = SpeechEncoder(device="meta")
    assert sum(weight.numel() for weight in encoder.parameters()) == 94_371_712 - 768  # without masked_spec_embed
    assert (Wav2VecConfig().hop_samples, Wav2VecConfig().reach_samples) == (320, 400)


@pytest.mark.parametrize("samples", [400, 401, 719, 720, 16000, 16079])
def test_features_are_counted_as_the_convolutions_make_them(encoder, samples):
    features = encoder.wav2vec.feature_extractor(sound(samples).unsqueeze(0))
    assert encoder.features_of(samples) == features.shape[-1]


@pytest.mark.parametrize("features, frames", [(49, 25), (49, 49), (49, 80), (1, 7), (64, 33), (2999, 1500), (2, 1)])
def test_spread_positions_are_torchs_align_corners(features, frames):
    values = torch.randn(1, 3, features, generator=torch.Generator().manual_seed(0))
    expected = F.interpolate(values, size=frames, mode="linear", align_corners=True)
    assert torch.allclose(interpolate(values, spread_positions(features, frames)), expected, atol=1e-6)


def test_interpolation_continues_the_outer_features():
    values = torch.tensor([1.0, 3.0, 7.0])
    found = interpolate(values, torch.tensor([-1.0, 0.0, 0.25, 1.5, 2.0, 9.0], dtype=torch.float64))
    assert torch.equal(found, torch.tensor([1.0, 1.0, 1.5, 5.0, 7.0, 7.0]))


def test_hidden_states_are_those_of_transformers(encoder):
    """Without a change of frame rate, what the whole model of the same weights reports."""
    transformers = pytest.importorskip("transformers")
    config = SEEDED_WAV2VEC
    dropouts = ("hidden_dropout", "attention_dropout", "activation_dropout", "feat_proj_dropout", "layerdrop")
    other = transformers.Wav2Vec2Model(
        transformers.Wav2Vec2Config(
            hidden_size=config.width,
            num_hidden_layers=config.layers,
            num_attention_heads=config.heads,
            intermediate_size=config.feed_forward_width,
            conv_dim=config.conv_widths,
            conv_kernel=config.conv_kernels,
            conv_stride=config.conv_strides,
            num_conv_pos_embeddings=config.position_kernel,
            num_conv_pos_embedding_groups=config.position_groups,
            mask_time_prob=0.0,
            mask_feature_prob=0.0,
            **dict.fromkeys(dropouts, 0.0),
        )
    )
    other.load_state_dict(encoder.wav2vec.state_dict(), strict=True)
    samples = 16000
    frames = encoder.features_of(samples)
    with torch.no_grad():
        found = encoder.hidden_states(sound(samples), spread_positions(frames, frames))
        expected = other(sound(samples).unsqueeze(0), output_hidden_states=True).hidden_states
    assert found.shape == (config.layers + 1, frames, config.width)
    assert torch.allclose(found, torch.cat(expected), atol=1e-5)


def test_layers_come_without_the_embedding(encoder):
    with torch.no_grad():
        states = encoder.hidden_states(sound(16000), spread_positions(49, 25))
    found = run(encoder)
    assert found.shape == (25, SEEDED_WAV2VEC.layers, SEEDED_WAV2VEC.width)
    assert all(torch.equal(found[:, layer], states[layer + 1]) for layer in range(SEEDED_WAV2VEC.layers))


def test_train_and_eval_mode_are_one(encoder):
    other = seeded_speech_encoder()
    assert torch.equal(run(other.train()), run(encoder.eval()))


def test_a_sounds_own_statistics_change_nothing(encoder):
    made = F.conv1d(sound(16000)[None, None].double(), encoder.first_weight.double(), stride=5)[0]
    own = ChannelStatistics(made.mean(dim=1), made.var(dim=1, correction=0))
    assert torch.allclose(run(encoder, channels=own), run(encoder), atol=1e-5)


def test_statistics_of_a_louder_whole_make_a_piece_quieter(encoder):
    made = F.conv1d(sound(16000)[None, None].double(), encoder.first_weight.double(), stride=5)[0]
    whole = ChannelStatistics(made.mean(dim=1), 4 * made.var(dim=1, correction=0))
    assert (run(encoder, channels=whole) - run(encoder)).abs().max() > 0.01


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_sound_is_cast_to_the_network(dtype):
    assert run(seeded_speech_encoder().to(dtype)).dtype == dtype


def test_it_imports_neither_transformers_nor_the_compiler():
    """Importing both takes three processor seconds, half of the time to the demo's first clip."""
    code = "import sys; from hallo2_core.checkpoints.demo import demo_speech_encoder; demo_speech_encoder()"
    code += "; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split()
    assert "hallo2_core.models.wav2vec_network" in loaded
    assert not {"transformers", "torch._dynamo"} & set(loaded)


def test_a_config_of_another_size_is_built():
    config = replace(SEEDED_WAV2VEC, width=16, layers=2, position_groups=2)
    encoder = SpeechEncoder(config)
    assert run(encoder).shape == (25, 2, 16)
