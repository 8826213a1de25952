import pytest

from hallo2_core.inspection.curve import Curve


def filled(values, columns=4):
    curve = Curve(columns)
    for frame, value in values:
        curve.add(frame, value)
    return curve


def test_while_there_is_room_every_frame_has_a_column():
    curve = filled(enumerate([3.0, 1.0, 2.0]))
    assert curve.frames_per_column == 1
    assert [(column.least, column.mean, column.most) for column in curve.columns] == [(3, 3, 3), (1, 1, 1), (2, 2, 2)]


@pytest.mark.parametrize("frames", [5, 8, 9, 100, 1000])
def test_longer_videos_share_columns_and_lose_no_extreme(frames):
    values = [float((7 * frame) % 11) for frame in range(frames)]
    values[frames // 2] = 50.0
    curve = filled(enumerate(values))
    width = curve.frames_per_column
    assert len(curve.columns) <= 4 and frames <= 4 * width < 2 * frames
    for index, column in enumerate(curve.columns):
        part = values[index * width : (index + 1) * width]
        assert (column.least, column.most, column.count) == (min(part), max(part), len(part))
        assert column.mean == pytest.approx(sum(part) / len(part))


def test_gaps_stay_gaps_until_something_falls_into_their_column():
    curve = filled([(0, 1.0), (3, 2.0)])
    assert curve.columns[1:3] == [None, None]
    curve.add(5, 4.0)
    assert [column and column.mean for column in curve.columns] == [1.0, 2.0, 4.0]
