import re
from dataclasses import replace
from fractions import Fraction

import av
import numpy as np
import pytest
import torch
from stand_ins import PressedCancelError, RecordingRuntime
from tiny import portrait

from hallo2_core.animation import eta
from hallo2_core.audio.waveform import TensorAudio
from hallo2_core.errors import SettingsError
from hallo2_core.jobs.job import Job
from hallo2_core.payloads import Box
from hallo2_core.runtime import LocalRuntime
from hallo2_core.upscaling.render_pasted import PasteBack, paste_back_video, paste_key
from hallo2_core.video.reader import probe, read_frames
from hallo2_core.video.settings import VideoSettings
from hallo2_core.video.writer import VideoWriter

LOSSLESS = VideoSettings(quality=0)
LEFT, RIGHT = Box(8, 16, 72, 80), Box(88, 16, 152, 80)
# Smooth, and odd in both directions.
PICTURE = torch.linspace(0.2, 0.8, 97)[:, None, None] * torch.linspace(0.4, 1.0, 161)[None, :, None].expand(1, 161, 3)


def person(crop):
    return replace(portrait(), crop=crop, source=PICTURE)


def made(folder, name, levels, fps=25, side=64, rate=16_000):
    """A video of flat frames, with a tone."""
    frames = torch.tensor(levels, dtype=torch.uint8)[:, None, None, None].expand(-1, side, side, 3)
    tone = 0.3 * torch.sin(torch.arange(len(levels) * rate // fps) * 0.2).unsqueeze(0)
    with VideoWriter(folder / name, side, side, Fraction(fps), LOSSLESS, TensorAudio(tone, rate)) as writer:
        writer.write(frames)
    return writer.path


@pytest.fixture
def talking(tmp_path):
    return made(tmp_path, "talking.mp4", range(60, 100))


def pasted(work, folder, runtime=None, name="pasted.mp4"):
    job = Job(folder / "job", paste_key(work))
    return paste_back_video(work, job, folder / name, runtime or LocalRuntime())


def pictures(path):
    return torch.stack(list(read_frames(path)))


def sound_packets(path):
    with av.open(str(path)) as container:
        return [(packet.pts, bytes(packet)) for packet in container.demux(audio=0) if packet.size]


def test_the_crop_moves_and_the_rest_is_the_picture(talking, tmp_path):
    frames = pictures(pasted(PasteBack(talking, person(LEFT), LOSSLESS, 0.1), tmp_path))
    assert frames.shape == (40, 96, 160, 3)  # the odd row and column are gone
    outside = torch.ones(96, 160, dtype=torch.bool)
    outside[14:82, 6:74] = False  # colour has half the resolution
    expected = (PICTURE[:96, :160] * 255).round()
    assert (frames[:, outside].float() - expected[outside]).abs().max() <= 2
    assert torch.equal(frames[0][outside], frames[39][outside])
    middle = frames[:, 40:56, 32:48].float().mean(dim=(1, 2, 3))
    assert (middle - torch.arange(60, 100)).abs().max() <= 2


def test_sound_and_times_are_the_videos(talking, tmp_path):
    path = pasted(PasteBack(talking, person(LEFT), LOSSLESS, 0.1), tmp_path)
    assert sound_packets(path) == sound_packets(talking)
    info = probe(path)
    assert (info.frames, info.fps, info.width, info.height) == (40, 25, 160, 96)


def test_a_larger_picture_may_take_its_place(talking, tmp_path):
    enlarged = torch.zeros(1, 194, 322, 3)
    frames = pictures(pasted(PasteBack(talking, person(LEFT), LOSSLESS, 0.0, enlarged), tmp_path))
    assert frames.shape == (40, 194, 322, 3)
    assert frames[39, 100, 80].float().mean() > 90 and frames[39, 100, 200].float().mean() < 3


def test_two_faces_are_pasted_in_turn(talking, tmp_path):
    other = made(tmp_path, "other.mp4", [200] * 25)
    first = pasted(PasteBack(talking, person(LEFT), LOSSLESS, 0.1), tmp_path)
    both = PasteBack(other, person(RIGHT), LOSSLESS, 0.1, background=first, sound_from="background")
    (tmp_path / "second").mkdir()
    path = pasted(both, tmp_path / "second")
    frames = pictures(path).float()
    assert len(frames) == 40  # the longer one; of the other the last frame stays
    assert (frames[:, 40:56, 32:48].mean(dim=(1, 2, 3)) - torch.arange(60, 100)).abs().max() <= 3
    assert (frames[:, 40:56, 112:128].mean(dim=(1, 2, 3)) - 200).abs().max() <= 3
    assert sound_packets(path) == sound_packets(first) == sound_packets(talking)


@pytest.mark.parametrize("stopped_after", [3, 16, 21, 39])
def test_stopped_anywhere_it_goes_on_with_the_same_frames(talking, tmp_path, stopped_after):
    work = PasteBack(talking, person(LEFT), LOSSLESS, 0.1)
    with pytest.raises(PressedCancelError):
        pasted(work, tmp_path, RecordingRuntime(cancel_after=stopped_after))
    assert not (tmp_path / "pasted.mp4").exists()
    runtime = RecordingRuntime()
    path = pasted(work, tmp_path, runtime)
    assert runtime.reports[0] == (stopped_after // 16 * 16 + 1, 40) and runtime.reports[-1] == (40, 40)
    (tmp_path / "whole").mkdir()
    assert np.array_equal(pictures(path), pictures(pasted(work, tmp_path / "whole")))


def test_the_time_left_is_that_of_the_longer_video_and_after_a_stop_what_is_kept_is_reported(
    talking, tmp_path, monkeypatch
):
    class TalkingRuntime(RecordingRuntime):
        def notify(self, text):
            told.append(text)

    monkeypatch.setattr(eta, "MEASURED_SECONDS", 0.0)
    longer, told = made(tmp_path, "longer.mp4", range(60, 108)), []
    (tmp_path / "first").mkdir()
    behind = pasted(PasteBack(longer, person(LEFT), LOSSLESS, 0.1), tmp_path / "first")
    work = PasteBack(talking, person(RIGHT), LOSSLESS, 0.1, background=behind)
    with pytest.raises(PressedCancelError):
        pasted(work, tmp_path, TalkingRuntime(cancel_after=20))
    assert told == ["", "Stopped: 1 of 3 clips are kept. Run the same again to continue."]
    told.clear()
    (tmp_path / "again").mkdir()
    runtime = TalkingRuntime()
    pasted(work, tmp_path / "again", runtime)
    before, going, after = told
    assert re.fullmatch(r"Clip 3 of 3, about \d+ s to go\. 48 frames of 160x96", going) and before == after == ""
    assert runtime.reports == [(frame + 1, 48) for frame in range(48)]


def test_finished_it_is_not_made_again(talking, tmp_path):
    work = PasteBack(talking, person(LEFT), LOSSLESS, 0.1)
    path, runtime = pasted(work, tmp_path), RecordingRuntime()
    assert pasted(work, tmp_path, runtime) == path and not runtime.reports


def test_the_key_knows_everything_that_decides_the_video(talking, tmp_path):
    other = made(tmp_path, "other.mp4", [200] * 5)
    work = PasteBack(talking, person(LEFT), LOSSLESS, 0.1)
    changed = [
        replace(work, source=other),
        replace(work, portrait=person(RIGHT)),
        replace(work, video_settings=VideoSettings()),
        replace(work, feather=0.2),
        replace(work, picture=PICTURE * 0.9),
        replace(work, background=other),
        replace(work, background=other, sound_from="background"),
    ]
    assert len({paste_key(one).name for one in (work, *changed)}) == 8
    assert paste_key(replace(work)) == paste_key(work)
    assert paste_key(replace(work, source=str(talking))) == paste_key(work)
    portrait = replace(work.portrait, notes=("said",), identity=torch.ones(512), pixels=-work.portrait.pixels)
    assert paste_key(replace(work, portrait=portrait)) == paste_key(work)  # none of it is on the canvas


def test_what_does_not_fit_is_refused_before_anything_is_written(talking, tmp_path):
    slow = made(tmp_path, "slow.mp4", [9] * 5, fps=10)
    there = sorted(tmp_path.iterdir())
    with pytest.raises(SettingsError, match="25 frames a second and the background 10"):
        pasted(PasteBack(talking, person(LEFT), LOSSLESS, 0.1, background=slow), tmp_path)
    with pytest.raises(SettingsError, match="feather is 0.9"):
        pasted(PasteBack(talking, person(LEFT), LOSSLESS, 0.9), tmp_path)
    with pytest.raises(SettingsError, match="no background video is connected"):
        PasteBack(talking, person(LEFT), LOSSLESS, 0.1, sound_from="background")
    with pytest.raises(SettingsError, match="sound is set to 'both'; choose one of video, background"):
        PasteBack(talking, person(LEFT), LOSSLESS, 0.1, sound_from="both")
    assert sorted(tmp_path.iterdir()) == there


def test_frames_are_pasted_one_by_one(talking, tmp_path, monkeypatch):
    """Memory does not grow with the video: no frame is kept by the time the next but one is asked for."""
    import weakref

    from hallo2_core.upscaling import render_pasted

    alive = []

    def watched(*given):
        result = original(*given)
        alive.append(weakref.ref(result))
        assert sum(reference() is not None for reference in alive) <= 3
        return result

    original = render_pasted.paste
    monkeypatch.setattr(render_pasted, "paste", watched)
    pasted(PasteBack(talking, person(LEFT), LOSSLESS, 0.1), tmp_path)
    assert len(alive) == 40
