import pytest
from stand_ins import RecordingRuntime

from hallo2_core.animation import eta
from hallo2_core.animation.eta import EtaRuntime, readable_time


class TalkingRuntime(RecordingRuntime):
    def __init__(self):
        super().__init__()
        self.told = []

    def notify(self, text):
        self.told.append(text)


@pytest.fixture
def work(monkeypatch):
    """Reports the steps from one to another, each of so many seconds; returns what was told."""

    def work(first, last, total, seconds=2.0, warm_up=100.0, burst=1):
        clock = (warm_up + seconds * step for step in range(last - first + 1))
        monkeypatch.setattr(eta.time, "monotonic", lambda: next(clock))
        runtime = TalkingRuntime()
        saying = EtaRuntime(runtime, "217 frames in 14 clips", 14, burst)
        for done in range(first, last + 1):
            saying.progress(done, total)
        assert [done for done, _total in runtime.reports] == list(range(first, last + 1))
        return runtime.told

    return work


def test_it_is_said_from_the_steps_after_the_first(work):
    assert work(1, 20, 574) == ["Clip 1 of 14, about 19 min to go. 217 frames in 14 clips"]  # (574 - 4) × 2 s
    assert work(1, 3, 574) == []


def test_slow_steps_are_not_waited_for(work):
    assert work(1, 2, 80, seconds=30.0) == ["Clip 1 of 14, about 39 min to go. 217 frames in 14 clips"]
    assert work(1, 2, 80, seconds=9.0) == []


def test_steps_that_end_together_are_measured_together(work):
    """The frames of a window: 16 come at once, then none for a while."""
    assert work(1, 40, 217, seconds=12.0, burst=16) == ["Clip 3 of 14, about 2 min to go. 217 frames in 14 clips"]
    assert work(1, 31, 217, burst=16) == []


def test_what_was_done_before_the_run_counts_as_done(work):
    assert work(540, 560, 574) == ["Clip 14 of 14, about 62 s to go. 217 frames in 14 clips"]


def test_every_minute_it_is_said_anew_from_all_steps_so_far(work):
    told = work(1, 99, 574)
    assert [text.split(". ")[0] for text in told] == [
        "Clip 1 of 14, about 19 min to go",
        "Clip 1 of 14, about 18 min to go",
        "Clip 2 of 14, about 17 min to go",
        "Clip 3 of 14, about 16 min to go",
    ]


def test_at_the_end_there_is_nothing_to_say(work):
    assert work(1, 4, 4) == []


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.4, "0 s"), (119, "119 s"), (120, "2 min"), (7199, "120 min"), (9000, "2.5 h")]
)
def test_times_can_be_read(seconds, text):
    assert readable_time(seconds) == text
