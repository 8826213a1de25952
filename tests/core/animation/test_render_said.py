"""What a render tells its user, and when."""

import re
from dataclasses import replace

import pytest
import tiny
from small_render import CLIPS, a_render, make
from stand_ins import PressedCancelError, RecordingRuntime

from hallo2_core.animation.render import render_video
from hallo2_core.config import UsualSettings
from hallo2_core.jobs.job import Job


@pytest.fixture(scope="module")
def render():
    return a_render()


class TalkingRuntime(RecordingRuntime):
    """Keeps what is said, with the number of reports of progress before it."""

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self.told = []

    def notify(self, text):
        self.told.append((len(self.reports), text))

    @property
    def texts(self):
        return [text for _, text in self.told]


def test_what_it_will_take_is_said_before_the_start_and_taken_away_at_the_end(render, tmp_path):
    runtime = TalkingRuntime()
    make(render, tmp_path, runtime)
    (before, what), (step, going), (at_last, nothing) = runtime.told
    assert (before, step, at_last) == (0, 4, 2 * CLIPS) and nothing == ""
    assert what.startswith("18 frames in 5 clips; the file will have ") and "GiB of memory at once" in what
    assert re.match(r"Clip 3 of 5, about \d+ s to go\. 18 frames in 5 clips; ", going)


def test_of_a_finished_video_nothing_is_said(render, tmp_path):
    make(render, tmp_path)
    runtime = TalkingRuntime()
    make(render, tmp_path, runtime)
    assert runtime.told == []


def test_stopped_in_the_first_clip_nothing_is_kept(render, tmp_path):
    runtime = TalkingRuntime(cancel_after=1)
    with pytest.raises(PressedCancelError):
        make(render, tmp_path, runtime)
    assert runtime.texts[-1] == "Stopped: 0 of 5 clips are kept. Run the same again to continue."


def test_advice_comes_before_the_start_and_stays_beside_the_time_left(render, tmp_path):
    models = replace(render.inputs.models, usual=UsualSettings(side_px=16))
    runtime = TalkingRuntime()
    make(replace(render, inputs=replace(render.inputs, models=models)), tmp_path, runtime)
    first, going, last = runtime.texts
    assert "trained at 16x16" in first and "trained at 16x16" in going
    assert going.startswith("Clip 3 of 5") and last == ""


def test_cancel_and_resume_say_what_is_kept(render, tmp_path):
    runtime = TalkingRuntime(cancel_after=5)
    with pytest.raises(PressedCancelError):
        make(render, tmp_path, runtime)
    assert runtime.texts[-1] == "Stopped: 2 of 5 clips are kept. Run the same again to continue."
    runtime = TalkingRuntime()
    make(render, tmp_path, runtime)
    assert runtime.texts[0].startswith("2 of 5 clips are finished already. 18 frames") and runtime.texts[-1] == ""


def test_what_is_to_know_of_the_job_is_said_first_and_stays(render, tmp_path):
    job = Job(tmp_path / "a.mp4.hallo2", tiny.job_key("key"), note="An older job is kept.")
    runtime = TalkingRuntime()
    render_video(render, job, tmp_path / "a.mp4", runtime)
    assert runtime.texts[0].startswith("An older job is kept. 18 frames") and runtime.texts[-1] == job.note
    finished = TalkingRuntime()
    render_video(render, job, tmp_path / "a.mp4", finished)
    assert finished.texts == [job.note]
