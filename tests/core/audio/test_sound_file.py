import gc
import tracemalloc
import wave
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
import torch

from hallo2_core.audio import sound_file
from hallo2_core.audio.sound_file import FileAudio
from hallo2_core.audio.waveform import TensorAudio
from hallo2_core.errors import AudioError

MEDIA = Path(__file__).parents[2] / "media"
VOICE = Path(sound_file.__file__).parents[1] / "examples" / "voice.wav"


def write_wav(path, samples, rate=16000):
    """samples: (t c) int16."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(samples.shape[1])
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(samples.astype("<i2").tobytes())
    return path


def noise(samples, channels=1, seed=0):
    return np.random.default_rng(seed).integers(-32768, 32768, (samples, channels)).astype(np.int16)


def encode(path, codec, sample_format, sound, rate=48000, layout="stereo"):
    """sound: (c t) float32."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate, layout=layout)
        stream.codec_context.format = sample_format
        resampler = av.AudioResampler(format=sample_format, layout=layout, rate=rate)
        frame = av.AudioFrame.from_ndarray(sound, format="fltp", layout=layout)
        frame.sample_rate, frame.pts, frame.time_base = rate, 0, Fraction(1, rate)
        size = stream.codec_context.frame_size or 1024
        fifo = av.AudioFifo()
        for converted in resampler.resample(frame):
            fifo.write(converted)
        while (part := fifo.read(size, partial=True)) is not None:
            container.mux(stream.encode(part))
        container.mux(stream.encode(None))
    return path


@pytest.mark.parametrize("channels", [1, 2, 6])
def test_reads_every_sample_as_it_is_stored(tmp_path, channels):
    samples = noise(40_000, channels)
    audio = FileAudio(write_wav(tmp_path / "a.wav", samples, 22050))
    assert (audio.rate_hz, audio.channels, audio.samples) == (22050, channels, 40_000)
    assert torch.equal(audio.read(0, 40_000), torch.from_numpy(samples.T.astype(np.float32) / 32768))


@pytest.mark.parametrize(
    "name, codec, sample_format",
    [
        ("u8.wav", "pcm_u8", "u8"),
        ("s32.wav", "pcm_s32le", "s32"),
        ("flt.wav", "pcm_f32le", "flt"),
        ("dbl.wav", "pcm_f64le", "dbl"),
        ("s16.flac", "flac", "s16"),
        ("s32.flac", "flac", "s32"),
        ("fltp.m4a", "aac", "fltp"),
        ("fltp.mp3", "libmp3lame", "fltp"),
        ("opus.mkv", "libopus", "flt"),
    ],
)
def test_reads_every_sample_format(tmp_path, name, codec, sample_format):
    t = np.arange(48000) / 48000
    sound = np.stack([0.5 * np.sin(2 * np.pi * 440 * t), 0.25 * np.sin(2 * np.pi * 880 * t)]).astype(np.float32)
    audio = FileAudio(encode(tmp_path / name, codec, sample_format, sound))
    assert (audio.rate_hz, audio.channels) == (48000, 2)
    assert 0 <= audio.samples - 48000 < 3000  # codecs may add a frame of their own
    heard = audio.read(0, 48000)
    levels = heard[:, 4000:44000].square().mean(dim=1).sqrt() * 2**0.5
    assert torch.allclose(levels, torch.tensor([0.5, 0.25]), atol=0.04)


def test_stretches_in_any_order_equal_the_whole(tmp_path):
    samples = noise(50_000, 2)
    audio = FileAudio(write_wav(tmp_path / "a.wav", samples, 8000))
    whole = audio.read(0, audio.samples)
    order = np.random.default_rng(1)
    for _ in range(60):
        start, stop = sorted(order.integers(0, 50_001, 2))
        assert torch.equal(audio.read(int(start), int(stop)), whole[:, start:stop])
    assert audio.read(50_000, 50_000).shape == (2, 0)


def test_walking_on_decodes_once_even_for_two_listeners(tmp_path, monkeypatch):
    audio = FileAudio(write_wav(tmp_path / "a.wav", noise(160_000), 8000))
    starts = []
    decode = sound_file.decoded_blocks
    monkeypatch.setattr(sound_file, "decoded_blocks", lambda path: starts.append(path) or decode(path))
    for start in range(0, 160_000, 4000):  # the writer, and the encoder a while ahead with an overlap
        audio.read(start, start + 4000)
        audio.read(min(start + 40_000, 159_000), min(start + 44_800, 160_000))
    assert len(starts) == 2


def test_a_long_file_is_never_held(tmp_path):
    path = tmp_path / "long.wav"
    write_wav(path, noise(16000 * 300, 2), 16000)  # 38 MB as float32
    gc.collect()
    tracemalloc.start()  # numpy's buffers; torch's lie beside them, view by view
    audio = FileAudio(path)
    for start in range(0, audio.samples, 16000):
        audio.read(start, min(start + 20000, audio.samples))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4e6
    assert sum(block.numel() for reader in audio._readers for block in reader._kept) < 5 * 16000 * 2


def test_file_and_memory_have_the_same_fingerprint():
    audio = FileAudio(VOICE)
    assert TensorAudio(audio.read(0, audio.samples), audio.rate_hz).fingerprint() == audio.fingerprint()


def test_one_sample_is_a_sound(tmp_path):
    audio = FileAudio(write_wav(tmp_path / "one.wav", noise(1)))
    assert audio.samples == 1 and audio.read(0, 1).shape == (1, 1)


def test_the_sound_of_a_video_is_read(tmp_path):
    with av.open(str(tmp_path / "v.mkv"), "w") as container:
        picture = container.add_stream("ffv1", rate=25, width=16, height=16, pix_fmt="yuv420p")
        sound = container.add_stream("pcm_s16le", rate=16000, layout="mono")
        container.mux(picture.encode(av.VideoFrame.from_ndarray(np.zeros((16, 16, 3), np.uint8), "rgb24")))
        container.mux(picture.encode(None))
        frame = av.AudioFrame.from_ndarray(noise(640).T.copy(), "s16", "mono")
        frame.sample_rate = 16000
        container.mux(sound.encode(frame))
        container.mux(sound.encode(None))
    assert FileAudio(tmp_path / "v.mkv").samples == 640


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(AudioError, match="no sound file .*gone.wav"):
        FileAudio(tmp_path / "gone.wav")


def test_a_corrupt_file_is_named():
    with pytest.raises(AudioError, match="corrupt.wav cannot be read as sound .* copy it again"):
        FileAudio(MEDIA / "corrupt.wav")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"<!DOCTYPE html><html></html>", "is a web page"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 48\n", "is a git-lfs pointer"),
    ],
)
def test_a_file_that_is_no_sound_is_named(tmp_path, content, said):
    (tmp_path / "a.wav").write_bytes(content)
    with pytest.raises(AudioError, match=f"a.wav {said}"):
        FileAudio(tmp_path / "a.wav")


def test_sound_of_a_codec_without_a_decoder_is_refused(tmp_path):
    path = write_wav(tmp_path / "a.wav", noise(100))
    content = bytearray(path.read_bytes())
    content[20:22] = b"\x47\x00"  # the format's number in the header
    path.write_bytes(content)
    with pytest.raises(AudioError, match="a.wav has sound that PyAV .* cannot decode. Convert it"):
        FileAudio(path)


def test_a_picture_has_no_sound():
    with pytest.raises(AudioError, match="no_face.png has no audio stream"):
        FileAudio(MEDIA / "no_face.png")


def test_a_file_without_samples_is_refused(tmp_path):
    with pytest.raises(AudioError, match="empty.wav"):
        FileAudio(write_wav(tmp_path / "empty.wav", noise(0)))


def with_damaged_packets(source, target, numbers):
    """A copy in which these packets are noise."""
    with av.open(str(source)) as given:
        places = [(packet.pos, packet.size) for packet in given.demux(audio=0) if packet.size]
    content = bytearray(source.read_bytes())
    for number in numbers:
        position, size = places[number]
        content[position : position + size] = np.random.default_rng(number).bytes(size)
    target.write_bytes(content)
    return target


def a_tone(path):
    tone = (0.5 * np.sin(np.arange(4 * 48000) / 20)).astype(np.float32)[None].repeat(2, axis=0)
    return FileAudio(encode(path, "aac", "fltp", tone))


@pytest.mark.parametrize(
    ("numbers", "said"),
    [([94], "at 1.98 s:"), ([94, 95, 130], "at 1.98 s and in 3 packets in all:"), ([0, 1], "at 0.00 s and in 2")],
)
def test_damaged_packets_are_silent_and_the_log_says_so_once(tmp_path, caplog, numbers, said):
    whole = a_tone(tmp_path / "whole.m4a")
    damaged = FileAudio(with_damaged_packets(whole.path, tmp_path / "a.m4a", numbers))
    assert abs(damaged.samples - whole.samples) <= 1024
    assert f"a.m4a is damaged {said}" in caplog.text and len(caplog.records) == 1
    heard, all_of_it = damaged.read(0, damaged.samples), whole.read(0, whole.samples)
    lost = slice(1024 * (numbers[0] - 1) + 100 if numbers[0] else 0, 1024 * numbers[0])
    assert not heard[:, lost].any()
    assert torch.allclose(heard[:, 150_000:190_000], all_of_it[:, 150_000:190_000], atol=1e-4)
    assert torch.equal(damaged.read(80_000, 110_000), heard[:, 80_000:110_000])


def test_strictly_read_damage_is_refused_with_its_place(tmp_path):
    path = with_damaged_packets(a_tone(tmp_path / "whole.m4a").path, tmp_path / "a.m4a", [94])
    with pytest.raises(AudioError, match="a.m4a is damaged at 1.98 s. .* copy it again"):
        FileAudio(path, is_strict=True)


def test_sound_that_is_damaged_throughout_is_refused(tmp_path):
    whole = a_tone(tmp_path / "whole.m4a")
    path = with_damaged_packets(whole.path, tmp_path / "a.m4a", range(-(-whole.samples // 1024)))
    with pytest.raises(AudioError, match="a.m4a is damaged at 0.00 s and in 18. packets in all"):
        FileAudio(path)


def test_a_file_changed_while_reading_is_noticed(tmp_path):
    path = write_wav(tmp_path / "a.wav", noise(1000))
    audio = FileAudio(path)
    write_wav(path, noise(2000, seed=1))
    with pytest.raises(AudioError, match="a.wav was changed"):
        audio.read(0, 1000)


def test_a_change_of_rate_on_the_way_is_refused(tmp_path):
    sound = np.random.default_rng(0).random((2, 48000), np.float32) - 0.5
    parts = [encode(tmp_path / f"{rate}.mp3", "libmp3lame", "fltp", sound, rate) for rate in (44100, 32000)]
    (tmp_path / "joined.mp3").write_bytes(b"".join(part.read_bytes() for part in parts))
    with pytest.raises(AudioError, match="joined.mp3 changes from 2 channels at .* Convert it"):
        FileAudio(tmp_path / "joined.mp3")


def test_not_a_number_in_a_file_is_refused(tmp_path):
    sound = np.zeros((2, 48000), np.float32)
    sound[0, 24000] = np.nan
    with pytest.raises(AudioError, match="a.wav has samples that are not numbers .* at 0.50 s"):
        FileAudio(encode(tmp_path / "a.wav", "pcm_f32le", "flt", sound))


def without_packets(source, target, begin, end):
    """A copy that lost the packets which begin in these seconds."""
    with av.open(str(source)) as given, av.open(str(target), "w") as copy:
        stream = copy.add_stream_from_template(given.streams.audio[0])
        for packet in given.demux(audio=0):
            if packet.size and not begin <= packet.pts * packet.time_base < end:
                packet.stream = stream
                copy.mux(packet)
    return target


@pytest.mark.parametrize(("ending", "codec", "sample_format"), [("m4a", "aac", "fltp"), ("mkv", "flac", "s16")])
def test_where_packets_are_missing_there_is_silence_and_the_log_says_so(tmp_path, caplog, ending, codec, sample_format):
    tone = (0.5 * np.sin(np.arange(4 * 48000) / 20)).astype(np.float32)[None].repeat(2, axis=0)
    whole = FileAudio(encode(tmp_path / f"whole.{ending}", codec, sample_format, tone))
    with_gap = FileAudio(without_packets(whole.path, tmp_path / f"gap.{ending}", 1, 2.5))
    assert abs(with_gap.samples - whole.samples) < 48000 * 0.03
    heard = with_gap.read(0, with_gap.samples)
    assert not heard[:, 54000:116000].any() and caplog.text.count("it is silent there") == 1
    after = slice(130_000, 180_000)
    assert (heard[:, after] - whole.read(0, whole.samples)[:, after]).abs().max() < 0.02
    assert torch.equal(with_gap.read(40_000, 130_000), heard[:, 40_000:130_000])


def test_a_jump_of_the_clock_is_no_gap(tmp_path):
    tone = np.zeros((2, 48000), dtype=np.float32)
    encode(tmp_path / "a.ts", "aac", "fltp", tone)
    joined = (tmp_path / "a.ts").read_bytes() * 2
    (tmp_path / "joined.ts").write_bytes(joined)
    seconds = FileAudio(tmp_path / "joined.ts").samples / 48000
    assert 1.9 < seconds < 2.3


def test_tags_in_another_encoding_than_utf_8_do_no_harm(tmp_path):
    path = tmp_path / "latin_1.wav"
    write_wav(path, np.zeros((100, 1), np.int16))
    title = "Köln".encode("latin-1") + b"\0\0"
    tags = b"INFOINAM" + len(title).to_bytes(4, "little") + title
    content = path.read_bytes() + b"LIST" + len(tags).to_bytes(4, "little") + tags
    path.write_bytes(content[:4] + (len(content) - 8).to_bytes(4, "little") + content[8:])
    with pytest.raises(UnicodeDecodeError):
        av.open(str(path))
    assert FileAudio(path).samples == 100
