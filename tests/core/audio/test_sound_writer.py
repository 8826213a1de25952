import pytest
import torch

from hallo2_core.audio.sound_file import FileAudio
from hallo2_core.audio.sound_writer import write_sound
from hallo2_core.errors import AudioError

RATE_HZ = 44_100


def pieces_of(sound, samples):
    return list(sound.split(samples, dim=1))


@pytest.mark.parametrize("kind", ["wav", "flac", "FLAC"])
@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("samples, piece", [(1, 1), (4_607, 100), (100_003, 7_001), (100_000, 100_000)])
def test_a_file_holds_the_pieces_one_after_another(tmp_path, kind, channels, samples, piece):
    sound = torch.rand(channels, samples) * 2 - 1
    path = tmp_path / f"voice.{kind}"
    write_sound(path, RATE_HZ, channels, pieces_of(sound, piece))
    read = FileAudio(path)
    assert (read.rate_hz, read.channels, read.samples) == (RATE_HZ, channels, samples)
    assert float((read.read(0, samples) - sound).abs().max()) <= 1 / 2**15
    assert list(tmp_path.iterdir()) == [path]


def test_what_is_too_loud_is_clipped_not_wrapped(tmp_path):
    write_sound(tmp_path / "loud.wav", RATE_HZ, 1, [torch.tensor([[3.0, -3.0, 1.0]])])
    assert FileAudio(tmp_path / "loud.wav").read(0, 3).sign().tolist() == [[1, -1, 1]]


@pytest.mark.parametrize(
    "name, said",
    [("voice.mp3", "must end in .wav or .flac"), ("there.wav", "exists already"), ("no/voice.wav", "no folder")],
)
def test_a_target_is_refused_before_the_work(tmp_path, name, said):
    (tmp_path / "there.wav").write_bytes(b"a voice")

    def never():
        raise AssertionError("the work has begun")
        yield

    with pytest.raises(AudioError, match=said):
        write_sound(tmp_path / name, RATE_HZ, 1, never())
    assert (tmp_path / "there.wav").read_bytes() == b"a voice"


def test_a_failure_on_the_way_leaves_nothing_behind(tmp_path):
    def breaking():
        yield torch.zeros(1, 5000)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_sound(tmp_path / "voice.flac", RATE_HZ, 1, breaking())
    assert not list(tmp_path.iterdir())
