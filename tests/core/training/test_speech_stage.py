from fractions import Fraction

import pytest
import torch
from seeded_models import SEEDED_WAV2VEC
from tiny import normal

from hallo2_core.audio.speech_embeddings import SpeechWindows, encode_speech
from hallo2_core.audio.waveform import TensorAudio
from hallo2_core.models.wav2vec import SpeechEncoder
from hallo2_core.runtime import LocalRuntime
from hallo2_core.training.clip_records import speech_windows
from hallo2_core.training.log_mel import MEL_BANDS, log_mels
from hallo2_core.training.records import RecordShards, write_shard
from hallo2_core.training.speech_stage import (
    MOUTH,
    SOUND,
    SpeechStage,
    SpeechStageSettings,
    heard_sound,
    r_squared,
)


@pytest.fixture(scope="module")
def encoder():
    torch.manual_seed(0)
    return SpeechEncoder(SEEDED_WAV2VEC)


@pytest.fixture
def voices(tmp_path):
    records = []
    for number in range(2):
        opening = (torch.sin(torch.arange(40) / (3 + number)) + 1) / 2
        sound = normal(number, 40 * 640) * opening.repeat_interleave(640) * 8000
        records.append({SOUND: sound.short(), MOUTH: torch.stack([opening, 1 - opening], dim=1)})
    write_shard(records, tmp_path / "voices-0.safetensors")
    return RecordShards(tmp_path)


def test_features_are_those_of_a_video(encoder):
    """The same sound through the video's own pieces and windows."""
    frames, sound = 40, normal(1, 40 * 640)
    speech = encode_speech(TensorAudio(sound.unsqueeze(0), 16_000), encoder, Fraction(25))
    in_a_video = SpeechWindows(speech, 1, LocalRuntime("cpu")).clip(10, 8)
    with torch.no_grad():
        features = encoder(*heard_sound(sound, frames, encoder))
    torch.testing.assert_close(speech_windows(features, 10, 8, 2), in_a_video, atol=1e-4, rtol=1e-4)


def test_learns_how_far_a_mouth_opens(voices):
    torch.manual_seed(0)
    one = SpeechStage(SpeechEncoder(SEEDED_WAV2VEC), SpeechStageSettings("", ""), voices, voices, seed=0)
    optimizer = torch.optim.Adam(one.network.parameters(), 5e-3)
    for step in range(25):
        loss = one.network(one.batch(range(2 * step, 2 * step + 2)))["loss"]
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        assert one.validate()["r_squared_0"] > 0.6


def test_a_loud_band_is_loud_there_and_then():
    seconds = torch.arange(16_000) / 16_000
    tone = torch.sin(2 * torch.pi * 3000 * seconds) * (seconds > 0.5)
    mels = log_mels(tone, 25)
    assert mels.shape == (25, MEL_BANDS)
    quiet, loud = mels[:11].mean(dim=0), mels[14:].mean(dim=0)
    assert (loud - quiet).argmax() in (9, 10, 11)


def test_r_squared_of_the_mean_is_zero_and_of_the_truth_one():
    true = normal(1, 50, 2)
    scores = r_squared(torch.stack([true[:, 0], true[:, 1].mean().expand(50)], dim=1), true)
    torch.testing.assert_close(scores, torch.tensor([1.0, 0.0]), atol=1e-5, rtol=0)
