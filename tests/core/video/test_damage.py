import logging
from fractions import Fraction

import av
import pytest
import torch

from hallo2_core.errors import VideoError
from hallo2_core.video.damage import MOST_PLACES, Damage
from hallo2_core.video.reader import check_undamaged, probe, read_frames
from hallo2_core.video.settings import VideoSettings
from hallo2_core.video.writer import VideoWriter

FRAMES = 60


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    """Noise: every frame takes several thousand bytes, of which a decoder can miss some."""
    path = tmp_path_factory.mktemp("video") / "clip.mp4"
    noise = torch.randint(256, (FRAMES, 64, 64, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    with VideoWriter(path, 64, 64, Fraction(25), VideoSettings(quality=20, preset="ultrafast")) as video:
        video.write(noise)
    return path


def scratched(path, target, *numbers):
    """Some bytes in the middle of these frames' packets are overwritten, as a bad sector or a bad copy does it."""
    with av.open(str(path)) as container:
        packets = [(packet.pos, packet.size) for packet in container.demux(video=0) if packet.size]
    content = bytearray(path.read_bytes())
    for number in numbers:
        at = packets[number][0] + packets[number][1] // 2
        content[at : at + 40] = bytes((7 * n + 13) % 256 for n in range(40))
    target.write_bytes(content)
    return target


def test_concealed_frames_are_shown_and_reported_with_their_time(clip, tmp_path, caplog):
    bad = scratched(clip, tmp_path / "bad.mp4", 20)
    with caplog.at_level(logging.WARNING, "hallo2"):
        probe(bad)
        frames = list(read_frames(bad))
    assert len(frames) == FRAMES
    assert [message for message in caplog.messages if "damaged" in message] == [
        "bad.mp4 is damaged at about 0.80 s. Frames that cannot be decoded are concealed or left out."
    ]


def test_several_places_are_listed_at_the_end(clip, tmp_path, caplog):
    with caplog.at_level(logging.WARNING, "hallo2"):
        list(read_frames(scratched(clip, tmp_path / "bad.mp4", 10, 12, 50)))
    first, all_of_them = (message for message in caplog.messages if "damaged" in message)
    assert "at about 0.40 s" in first
    assert all_of_them == "bad.mp4 has 3 damaged frames at about 0.40 to 0.48 s, 2.00 s."


def test_a_check_refuses_damage_and_passes_whole_videos(clip, tmp_path):
    check_undamaged(clip)
    with pytest.raises(VideoError, match=r"bad.mp4 is damaged: it has 1 damaged frame at about 0.80 s\. Repair it"):
        check_undamaged(scratched(clip, tmp_path / "bad.mp4", 20))


def test_a_check_refuses_a_video_without_its_end(clip, tmp_path):
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(clip.read_bytes()[: clip.stat().st_size // 2])
    with pytest.raises(VideoError, match=rf"cut.mp4 is damaged: it .*ends after \d+ of {FRAMES} frames"):
        check_undamaged(cut)


def test_times_count_from_the_origin_and_far_too_many_places_are_counted():
    damage = Damage("x.ts", origin=Fraction(10))
    for second in range(MOST_PLACES + 5):
        damage.add(Fraction(10 + 2 * second))
    damage.add(None)
    with pytest.raises(VideoError, match=r"26 damaged frames at about 0.00 s, 2.00 s, .* and 5 more places"):
        damage.check()
