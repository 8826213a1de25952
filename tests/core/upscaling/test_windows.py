import pytest

from hallo2_core.upscaling.windows import WindowGrid, cut_windows

RELEASED = WindowGrid(16, 4)


def test_windows_of_sixteen_begin_every_twelve_frames():
    windows = list(cut_windows(range(40), RELEASED))
    assert [(window.start, window.end) for window in windows] == [(0, 16), (12, 28), (24, 40)]
    assert [window.items[0] for window in windows] == [0, 12, 24]
    assert [window.is_last for window in windows] == [False, False, True]


@pytest.mark.parametrize("grid", [RELEASED, WindowGrid(1, 0), WindowGrid(5, 2), WindowGrid(6, 3)])
@pytest.mark.parametrize("frames", [*range(0, 40), 100])
def test_every_frame_is_in_a_window_and_every_window_has_a_frame_of_its_own(grid, frames):
    seen = []
    for window in cut_windows(range(frames), grid):
        assert window.start % grid.step == 0
        assert list(window.items) == list(range(window.start, window.end))
        new = [frame for frame in window.items if frame not in seen]
        assert new
        seen += new
    assert seen == list(range(frames))


@pytest.mark.parametrize("grid", [RELEASED, WindowGrid(5, 2)])
def test_a_stream_gone_on_with_from_the_middle_has_the_same_windows(grid):
    whole = list(cut_windows(range(60), grid))
    for frame in range(60):
        start = grid.first_start(frame)
        rest = list(cut_windows(range(start, 60), grid, start))
        assert rest == whole[-len(rest) :]
        assert frame in rest[0].items or len(rest) == 0
        assert start == 0 or frame not in next(w for w in whole if w.start == start - grid.step).items


def test_weights_of_neighbours_in_an_overlap_rise_evenly_and_elsewhere_a_window_counts_alone():
    assert [RELEASED.fade(frame, 12) for frame in range(12, 18)] == [0.2, 0.4, 0.6, 0.8, 1.0, 1.0]
    assert [RELEASED.fade(frame, 0) for frame in range(3)] == [1.0, 1.0, 1.0]


def test_one_window_and_one_item_more_are_held():
    taken = 0

    def stream():
        nonlocal taken
        for item in range(100):
            taken += 1
            yield item

    for window in cut_windows(stream(), RELEASED):
        assert taken <= window.end + 1
