from fractions import Fraction

import pytest
import torch

from hallo2_core.errors import Hallo2Error, SettingsError, VideoError
from hallo2_core.upscaling.plan import UpscaleRequest, plan_upscale
from hallo2_core.video.writer import VideoWriter


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    path = tmp_path_factory.mktemp("plan") / "small.mp4"
    with VideoWriter(path, 64, 32, Fraction(25)) as writer:
        writer.write(torch.zeros(2, 32, 64, 3))
    return path


def request(scale=None, long_side=None, codec="auto", overlap=4):
    return UpscaleRequest(scale, long_side, 0.5, 16, overlap, codec, 8, 14)


def test_size_windows_and_file_come_from_the_wish(source):
    plan = plan_upscale(source, request(scale=2.0))
    assert (plan.source.width, plan.source.height) == (64, 32)
    assert (plan.settings.width_px, plan.settings.height_px, plan.settings.window_frames) == (128, 64, 16)
    assert (plan.video_settings.codec, plan.video_settings.quality) == ("h264", 14)
    assert plan_upscale(source, request(long_side=96)).settings.height_px == 48


@pytest.mark.parametrize(("long_side", "codec"), [(2048, "h264"), (4096, "h264"), (4098, None)])
def test_auto_takes_what_players_show(source, long_side, codec):
    if codec is None:
        with pytest.raises(SettingsError, match="4096"):
            plan_upscale(source, request(long_side=long_side))
    else:
        assert plan_upscale(source, request(long_side=long_side)).video_settings.codec == codec


def test_a_square_at_the_limit_is_h265_and_refused_as_h264(tmp_path):
    path = tmp_path / "square.mp4"
    with VideoWriter(path, 64, 64, Fraction(25)) as writer:
        writer.write(torch.zeros(1, 64, 64, 3))
    assert plan_upscale(path, request(long_side=4096)).video_settings.codec == "h265"
    with pytest.raises(Hallo2Error, match="5.2"):
        plan_upscale(path, request(long_side=4096, codec="h264"))


def test_what_is_no_video_is_refused(tmp_path):
    (tmp_path / "not.mp4").write_bytes(b"no")
    with pytest.raises(VideoError):
        plan_upscale(tmp_path / "not.mp4", request(scale=2.0))
