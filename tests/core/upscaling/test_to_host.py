import torch

from hallo2_core.upscaling.to_host import FinishedFrame, one_behind, to_host
from hallo2_core.video.colour import to_planes


def frame(level=0):
    picture = torch.full((4, 4, 3), level, dtype=torch.uint8)
    return FinishedFrame(to_planes(picture, 8), picture / 255)


def test_what_is_on_the_cpu_comes_at_once_and_as_it_is():
    frames, asked = [frame(number) for number in range(3)], []

    def given():
        for one in frames:
            asked.append(one)
            yield one

    for number, one in enumerate(to_host(given()), 1):
        assert one is asked[-1] and len(asked) == number
    assert asked == frames


def test_a_copy_is_waited_for_when_the_next_one_has_begun():
    events = []

    def copies():
        for number in range(3):
            events.append(f"begin {number}")
            yield lambda number=number: events.append(f"wait {number}") or number

    assert list(one_behind(copies())) == [0, 1, 2]
    assert events == ["begin 0", "begin 1", "wait 0", "begin 2", "wait 1", "wait 2"]


def test_of_nothing_nothing_comes():
    assert list(to_host(iter(()))) == []
