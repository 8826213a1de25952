import pytest
import torch

from hallo2_core.errors import MissingDependencyError, SettingsError
from hallo2_core.training.cartoons import EXPRESSIONS, Direction, Mood, performance, performance_of_sound
from hallo2_core.training.cartoons import espeak as espeak_module
from hallo2_core.training.cartoons.espeak import espeak_library, speak
from hallo2_core.training.cartoons.voices import VARIANTS, Voice

needs_espeak = pytest.mark.skipif(espeak_library() is None, reason="espeak-ng is not installed")
VOICE = Voice("gmw/en-US+m2", words_per_minute=150, pitch=50, pitch_range=50)


@needs_espeak
def test_the_same_text_is_the_same_sound_whatever_was_spoken_before():
    first = speak("Pam mapped five boats.", VOICE)
    speak("Something else.", VOICE)
    again = speak("Pam mapped five boats.", VOICE)
    assert torch.equal(first.samples, again.samples) and first.phonemes == again.phonemes
    assert first.samples.abs().max() > 0.1


@needs_espeak
def test_phonemes_come_in_order_and_fill_the_sound():
    speech = speak("Pam mapped five boats.", VOICE)
    ends = [phoneme.end_seconds for phoneme in speech.phonemes]
    starts = [phoneme.start_seconds for phoneme in speech.phonemes]
    assert starts == sorted(starts) and starts[1:] == ends[:-1]
    assert ends[-1] == pytest.approx(speech.samples.shape[0] / 16_000, abs=0.01)
    assert "".join(phoneme.ipa for phoneme in speech.phonemes).startswith("p")


def test_the_sound_is_resampled_without_a_filter_of_its_own():
    """A tone keeps its pitch, loudness and length; what 16 kHz cannot hold is gone."""

    def tone(hertz: float, rate_hz: int):
        seconds = torch.arange(rate_hz).double() / rate_hz
        return torch.sin(torch.pi * seconds) ** 2 * torch.sin(2 * torch.pi * hertz * seconds)

    both = (tone(440, 22_050) + tone(9_000, 22_050)).float()
    assert torch.allclose(espeak_module._at_speech_rate(both, 22_050), tone(440, 16_000).float(), atol=1e-5)


@needs_espeak
def test_a_phoneme_is_heard_when_it_is_said():
    """The hiss of "see" lies where the phoneme says: there is more power above 4 kHz than elsewhere."""
    speech = speak("Oh, see.", VOICE)
    hiss = next(phoneme for phoneme in speech.phonemes if phoneme.ipa == "s")

    def share_above_4_khz(start: float, end: float) -> float:
        power = torch.fft.rfft(speech.samples[int(start * 16_000) : int(end * 16_000)]).abs().square()
        return float(power[power.shape[0] // 2 :].sum() / power.sum())

    vowel = next(phoneme for phoneme in speech.phonemes if phoneme.ipa.startswith("o"))
    assert share_above_4_khz(hiss.start_seconds, hiss.end_seconds) > 0.5
    assert share_above_4_khz(vowel.start_seconds, vowel.end_seconds) < 0.05


@needs_espeak
def test_a_performance_follows_from_its_seed():
    one, again, other = (performance(seed, "train", 2.0) for seed in (4, 4, 5))
    assert torch.equal(one.samples, again.samples) and one.caption == again.caption
    assert all(torch.equal(one.tracks.curves()[name], curve) for name, curve in again.tracks.curves().items())
    assert not torch.equal(one.samples, other.samples)


@needs_espeak
def test_sound_and_frames_have_one_length_and_the_mouth_moves():
    played = performance(1, "held_back", 3.0)
    assert played.frames == 75 and played.samples.shape == (75 * 640,)
    opening = played.tracks.mouth_open
    assert opening.max() > 0.4 and opening.min() < 0.1


@needs_espeak
@pytest.mark.parametrize("split", ["train", "held_back"])
def test_every_voice_variant_speaks(split):
    for variant in VARIANTS[split]:
        speech = speak("Yes.", Voice(f"gmw/en+{variant}", 150, 50, 50))
        assert speech.samples.abs().max() > 0.02, variant


def test_splits_share_no_voice():
    assert not set(VARIANTS["train"]) & set(VARIANTS["held_back"])


def test_without_espeak_the_error_names_it(monkeypatch):
    monkeypatch.setattr(espeak_module, "espeak_library", lambda: None)
    with pytest.raises(MissingDependencyError, match="apt install espeak-ng"):
        performance(0, "train", 1.0)


@needs_espeak
def test_a_voice_that_is_missing_is_named():
    with pytest.raises(Exception, match="nobody"):
        speak("Yes.", Voice("nobody", 150, 50, 50))


def test_a_sound_of_ones_own_opens_the_mouth_where_it_is_loud():
    seconds = torch.arange(32_000) / 16_000
    sound = 0.5 * torch.sin(2 * torch.pi * 600 * seconds) * ((seconds > 0.8) & (seconds < 1.4))
    played = performance_of_sound(sound, 0, "train")
    assert played.frames == 50
    assert played.tracks.mouth_open[22:34].min() > 0.4
    assert played.tracks.mouth_open[:18].max() < 0.05 and played.tracks.mouth_open[38:].max() < 0.05


def test_silence_keeps_the_mouth_shut():
    assert performance_of_sound(torch.zeros(16_000), 0, "train").tracks.mouth_open.max() == 0


def test_moods_follow_one_another_within_half_a_second():
    weights = Direction((Mood(0.0, "happy"), Mood(2.0, "sad"))).weights(100, 25)
    assert torch.allclose(weights.sum(dim=1), torch.ones(100))
    assert weights[49, 1] == 1 and weights[63, 2] == 1


def test_a_mood_is_asked_for_from_its_first_frame_on():
    asked = Direction((Mood(0.0, "happy"), Mood(2.0, "sad"))).asked(100, 25)
    assert asked.tolist() == [EXPRESSIONS.index("happy")] * 50 + [EXPRESSIONS.index("sad")] * 50


def test_directions_nobody_can_follow_are_refused():
    with pytest.raises(SettingsError, match="expected one of neutral, happy"):
        Mood(0.0, "bored")
    with pytest.raises(SettingsError, match="begins at 0 s"):
        Direction((Mood(1.0, "happy"),))
    with pytest.raises(SettingsError, match="expected one of none, nod"):
        Direction((Mood(0.0, "happy"),), gesture="wave")
