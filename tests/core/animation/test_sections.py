"""A video in sections: the clips of one run up to the first cut, then the portrait again; one file with all frames."""

from dataclasses import replace

import pytest
import tiny
import torch
from small_render import CLIPS, FRAMES, a_render, make
from stand_ins import PressedCancelError, RecordingRuntime

from hallo2_core.animation.sections import (
    cut_sections,
    join_sections,
    render_section,
    section_key,
    sectioned_key,
)
from hallo2_core.errors import JobError, SettingsError
from hallo2_core.jobs.job import Job
from hallo2_core.video.metadata import read_record
from hallo2_core.video.reader import read_frames

KEY = tiny.job_key("key")
CUT = 3  # clips of four frames, five of them


@pytest.fixture(scope="module")
def render():
    return a_render(tiny.shared_models())  # whose clips depend on those before


def section_jobs(sections, folder):
    return [Job(folder / f"{section.number}.hallo2", section_key(KEY, section)) for section in sections]


def joined(render, sections, folder):
    job = Job(folder / "job", sectioned_key(KEY, sections))
    return join_sections(render, sections, section_jobs(sections, folder), job, folder / "out.mp4", RecordingRuntime())


def test_sections_cover_every_frame(render):
    one, two = cut_sections(render, [CUT])
    assert (one.first_frame, one.frames, one.clips) == (0, 12, 3)
    assert (two.first_frame, two.frames, two.clips) == (12, FRAMES - 12, CLIPS - 3)


def test_a_section_begins_again_with_the_portrait(render, tmp_path):
    sections = cut_sections(render, [CUT])
    for section, job in reversed(list(zip(sections, section_jobs(sections, tmp_path), strict=True))):
        render_section(render, section, job, RecordingRuntime())
    video = joined(render, sections, tmp_path)
    made, whole = (list(read_frames(path)) for path in (video.path, make(render, tmp_path).path))
    assert video.frames == len(made) == len(whole) == FRAMES
    assert all(map(torch.equal, made[:12], whole[:12])) and not torch.equal(made[12], whole[12])
    assert read_record(video.path)["settings"]["sections"] == [0, 12]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.mp4", "a.mp4.hallo2", "job", "out.mp4"]
    assert joined(render, sections, tmp_path).path == video.path  # found again, without its sections
    with section_jobs(sections, tmp_path)[1] as left:  # by a run that was killed after it had joined them
        left.append(b"clip", 4, {})
    joined(render, sections, tmp_path)
    assert not left.folder.exists()


def test_a_stopped_section_resumes_at_its_next_clip(render, tmp_path):
    _, section = cut_sections(render, [1])
    (whole,) = section_jobs([section], tmp_path / "whole")
    render_section(render, section, whole, RecordingRuntime())
    (job,) = section_jobs([section], tmp_path)
    with pytest.raises(PressedCancelError):
        render_section(render, section, job, RecordingRuntime(cancel_after=5))
    assert 0 < job.journal.clips < section.clips
    told, (job,) = RecordingRuntime(), section_jobs([section], tmp_path)
    render_section(render, section, job, told)
    assert [path.read_bytes() for path in job.segments] == [path.read_bytes() for path in whole.segments]
    assert told.reports[-1] == (section.clips * 2, section.clips * 2)  # a step and the decoding of each clip


def test_an_unfinished_section_is_not_joined(render, tmp_path):
    sections = cut_sections(render, [CUT])
    render_section(render, sections[0], section_jobs(sections, tmp_path)[0], RecordingRuntime())
    with pytest.raises(JobError, match="2.hallo2 is not finished"):
        joined(render, sections, tmp_path)
    assert (tmp_path / "1.hallo2").is_dir() and not (tmp_path / "out.mp4").exists()


def test_other_cuts_are_another_video_but_the_same_section_is_not(render):
    three, other = cut_sections(render, [2, 4]), cut_sections(render, [2, 3])
    assert sectioned_key(KEY, three).request != sectioned_key(KEY, other).request
    assert section_key(KEY, three[0]).request == section_key(KEY, other[0]).request
    assert section_key(KEY, three[1]).request != section_key(KEY, other[1]).request


def test_the_release_s_random_numbers_run_through_the_whole_video(render):
    inputs = render.inputs
    legacy = replace(render, inputs=replace(inputs, sampler=replace(inputs.sampler, legacy_rng=True)))
    with pytest.raises(SettingsError, match="legacy_rng"):
        cut_sections(legacy, [CUT])
