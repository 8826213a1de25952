import logging

import pytest
import torch

from hallo2_core.audio import waveform
from hallo2_core.audio.waveform import PaddedAudio, TensorAudio, audio_from_comfy
from hallo2_core.errors import AudioError


def comfy(sound, rate=16000):
    return {"waveform": sound, "sample_rate": rate}


@pytest.mark.parametrize("channels", [1, 2, 6])
@pytest.mark.parametrize("rate", [8000, 11025, 16000, 44100, 48000, 192000])
def test_takes_any_rate_and_channels(rate, channels):
    sound = torch.rand(1, channels, 500) - 0.5
    audio = audio_from_comfy(comfy(sound, rate))
    assert (audio.rate_hz, audio.channels, audio.samples) == (rate, channels, 500)
    assert torch.equal(audio.read(100, 300), sound[0, :, 100:300])


@pytest.mark.parametrize(
    "dtype, lowest, highest",
    [
        (torch.int8, -128, 127),
        (torch.int16, -32768, 32767),
        (torch.int32, -(2**31), 2**31 - 1),
        (torch.int64, -(2**63), 2**63 - 1),
        (torch.uint8, 0, 255),
    ],
)
def test_integers_are_scaled_to_full_scale_one(dtype, lowest, highest):
    middle = (lowest + highest + 1) // 2
    sound = TensorAudio(torch.tensor([[lowest, middle, highest]], dtype=dtype), 16000).read(0, 3)
    assert sound.dtype == torch.float32
    assert sound[0, 0] == -1 and sound[0, 1] == 0 and 0.99 < sound[0, 2] <= 1


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_other_floats_keep_their_values(dtype):
    sound = torch.tensor([[0.5, -0.25, 1.5]], dtype=dtype)
    assert torch.equal(TensorAudio(sound, 16000).read(0, 3), sound.float())


@pytest.mark.parametrize("shape", [(7,), (1, 7), (1, 1, 7)])
def test_takes_the_shapes_that_other_packs_hand_over(shape):
    audio = audio_from_comfy(comfy(torch.arange(7.0).reshape(shape)))
    assert torch.equal(audio.read(0, 7), torch.arange(7.0).unsqueeze(0))


@pytest.mark.parametrize("rate", [44100, 44100.0, torch.tensor(44100)])
def test_takes_a_whole_rate_however_it_is_written(rate):
    assert audio_from_comfy(comfy(torch.zeros(1, 1, 9), rate)).rate_hz == 44100


def test_of_a_batch_the_first_is_used_and_said_so(caplog):
    with caplog.at_level(logging.WARNING, "hallo2"):
        audio = audio_from_comfy(comfy(torch.stack([torch.full((2, 5), 0.5), torch.zeros(2, 5)])))
    assert torch.equal(audio.read(0, 5), torch.full((2, 5), 0.5))
    assert "2 sounds" in caplog.text


def test_whole_numbers_in_one_channel_may_be_interleaved_and_are_warned_of(caplog):
    with caplog.at_level(logging.WARNING, "hallo2"):
        audio_from_comfy(comfy(torch.zeros(1, 1, 8, dtype=torch.int16)))
    assert "half speed" in caplog.text
    caplog.clear()
    audio_from_comfy(comfy(torch.zeros(1, 2, 8, dtype=torch.int16)))
    audio_from_comfy(comfy(torch.zeros(1, 1, 8)))
    assert not caplog.text


@pytest.mark.parametrize(
    "audio, message",
    [
        (None, "Connect 'Load Audio'"),
        ("speech.wav", "a str"),
        ({"samples": torch.zeros(1, 1, 4)}, r"the keys \['samples'\]"),
        ({"waveform": torch.zeros(1, 1, 4)}, "'sample_rate'"),
        ({"waveform": [0.0], "sample_rate": 16000}, "'waveform' tensor"),
        (comfy(torch.zeros(1, 1, 4), None), "whole number of Hz"),
        (comfy(torch.zeros(1, 1, 4), 44100.5), "whole number of Hz"),
        (comfy(torch.zeros(1, 1, 4), float("inf")), "whole number of Hz"),
        (comfy(torch.zeros(1, 1, 4), 0), "sample rate of 0 Hz"),
        (comfy(torch.zeros(1, 1, 4), 10_000_000), "10000000 Hz"),
        (comfy(torch.zeros(1, 1, 0)), "empty"),
        (comfy(torch.zeros(0, 1, 4)), "empty"),
        (comfy(torch.zeros(1, 0, 4)), "empty"),
        (comfy(torch.zeros(1, 1, 1, 4)), r"shape \(1, 1, 1, 4\)"),
        (comfy(torch.zeros(1, 1, 4, dtype=torch.complex64)), "complex64"),
        (comfy(torch.zeros(1, 1, 4, dtype=torch.bool)), "bool"),
    ],
)
def test_what_is_no_sound_is_refused_with_what_was_found(audio, message):
    with pytest.raises(AudioError, match=message):
        audio_from_comfy(audio)


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), float("-inf")])
def test_samples_that_are_not_numbers_are_refused_with_their_place(bad, monkeypatch):
    monkeypatch.setattr(waveform, "BLOCK_SAMPLES", 1000)
    sound = torch.zeros(2, 32000)
    sound[1, 24000] = bad
    with pytest.raises(AudioError, match="at 1.50 s"):
        TensorAudio(sound, 16000)


def test_fingerprint_is_of_the_sound_and_not_of_its_storage(monkeypatch):
    whole = torch.randint(-32768, 32767, (2, 5000), dtype=torch.int16)
    name = TensorAudio(whole, 16000).fingerprint()
    assert TensorAudio(whole.float() / 32768, 16000).fingerprint() == name
    monkeypatch.setattr(waveform, "BLOCK_SAMPLES", 77)
    assert TensorAudio(whole, 16000).fingerprint() == name

    changed = whole.clone()
    changed[1, -1] ^= 1
    others = [
        TensorAudio(changed, 16000),
        TensorAudio(whole, 16001),
        TensorAudio(whole[:, :-1], 16000),
        TensorAudio(whole.flip(0), 16000),
        TensorAudio(whole.reshape(1, -1), 16000),
    ]
    names = {audio.fingerprint() for audio in others}
    assert len(names) == len(others) and name not in names


def test_the_given_tensor_is_not_changed():
    sound = torch.rand(1, 2, 100)
    before = sound.clone()
    audio = audio_from_comfy(comfy(sound))
    audio.read(0, 100).mul(0)
    audio.fingerprint()
    assert torch.equal(sound, before)


def test_a_padded_sound_is_silent_after_its_end():
    sound = TensorAudio(torch.rand(2, 100) + 0.1, 16000)
    padded = PaddedAudio(sound, 250)
    whole = torch.cat([sound.read(0, 100), torch.zeros(2, 150)], dim=1)
    assert (padded.rate_hz, padded.channels, padded.samples) == (16000, 2, 250)
    for start, stop in [(0, 250), (0, 60), (60, 140), (100, 100), (120, 250), (250, 250)]:
        assert torch.equal(padded.read(start, stop), whole[:, start:stop])
    assert len({audio.fingerprint() for audio in (sound, padded, PaddedAudio(sound, 251))}) == 3


def test_whole_numbers_that_were_turned_into_floats_are_recognized():
    with pytest.raises(AudioError, match="samples up to 20000; full scale is 1.*divide 16-bit ones by 32768"):
        TensorAudio(torch.full((1, 100), -20000.0), 16000)
    TensorAudio(torch.full((1, 100), 4.0), 16000)  # too loud, and still a sound


def test_more_channels_than_a_video_can_hold_are_refused_at_once():
    with pytest.raises(AudioError, match="has 9 channels of 100 samples; a video's sound holds up to 8. Mix it down"):
        TensorAudio(torch.zeros(9, 100), 16000)
    with pytest.raises(AudioError, match="axes may be exchanged"):
        audio_from_comfy({"waveform": torch.zeros(1, 16000, 2), "sample_rate": 16000})
