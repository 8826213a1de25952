import pytest
import torch
from torch import nn

from hallo2_core.evaluation.feature_streams import BatchedStream, ClipStream
from hallo2_core.evaluation.frechet import frechet_distance, statistics_of
from hallo2_core.evaluation.networks.i3d import WIDTH
from hallo2_core.evaluation.set_distance import SetDistance


def colors(frames):
    """Two features of each frame (b h w 3)."""
    return frames.float().mean(dim=(1, 2))[:, :2]


def stream(size=4):
    return BatchedStream(2, lambda frame: frame, colors, size)


def video(frames, seed=0, offset=0):
    levels = torch.randint(0, 200, (frames, 1, 1, 3), generator=torch.Generator().manual_seed(seed)) + offset
    return levels.expand(-1, 8, 8, 3).byte()


def measured(made, real, size=4, window_frames=0):
    """The figures, the values over time, and the distance of all together."""
    distance = SetDistance("fid", stream(size))
    distance.take_real(real)
    measure = distance.of_video(window_frames)
    values = {number: value for number, frame in enumerate(made) for value in measure.add(frame).values()}
    return measure.figures(), values, distance.together()


def test_a_video_is_at_distance_zero_from_itself():
    figures, _, together = measured(video(30), video(30))
    assert figures["fid"] == pytest.approx(0.0, abs=1e-6) and together["fid"] == pytest.approx(0.0, abs=1e-6)


def test_a_brighter_video_is_as_far_as_it_is_brighter():
    """All features move by 20: 20² for each of the two."""
    figures, _, _ = measured(video(30, offset=20), video(30))
    assert figures["fid"] == pytest.approx(2 * 20**2, rel=1e-6)


@pytest.mark.parametrize("size", [1, 7, 100])
def test_in_batches_as_in_one_go(size):
    made, real = video(23, seed=1), video(31, seed=2)
    expected = frechet_distance(statistics_of(colors(made)), statistics_of(colors(real)))
    assert measured(made, real, size)[0]["fid"] == pytest.approx(expected, rel=1e-9)


def test_over_time_each_window_counts_its_own_frames():
    made, real = video(25, seed=1), video(40, seed=2)
    figures, values, _ = measured(made, real, size=4, window_frames=10)
    reference = statistics_of(colors(real))
    expected = {end: frechet_distance(statistics_of(colors(made[end - 9 : end + 1])), reference) for end in (9, 19)}
    assert values == pytest.approx(expected)
    assert figures["fid"] == pytest.approx(frechet_distance(statistics_of(colors(made)), reference))


def test_all_videos_together():
    distance = SetDistance("fid", stream())
    distance.take_real(video(20))
    for part in (video(20)[:9], video(20)[9:]):
        measure = distance.of_video()
        for frame in part:
            measure.add(frame)
        measure.figures()
    assert distance.together()["fid"] == pytest.approx(0.0, abs=1e-6)


def test_a_single_frame_has_no_distance():
    assert measured(video(1), video(20))[0] == {}


class FirstLevels(nn.Module):
    def forward(self, clips):
        assert clips.shape[1] == 16
        return clips[:, :, 0, 0, 0].float().mean(dim=1, keepdim=True).expand(-1, WIDTH)


def test_a_clip_stream_takes_whole_clips_of_one_video():
    clips = ClipStream(FirstLevels(), torch.device("cpu"))
    found = [features for frame in video(40) if (features := clips.add(frame)) is not None]
    assert len(found) == 2 and clips.rest() is None
    again = [features for frame in video(16) if (features := clips.add(frame)) is not None]
    assert torch.equal(again[0], found[0])  # nothing is left of the video before
