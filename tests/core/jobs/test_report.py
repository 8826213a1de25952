from dataclasses import replace
from pathlib import Path

import pytest

from hallo2_core.jobs.listing import ListedJob
from hallo2_core.jobs.report import job_line, readable_size, report

STOPPED = ListedJob(Path("jobs/0f0f"), "animation, 512x512", 32, 750, 3_200_000, 7200.0, False, None, 0, False)
FINISHED = replace(STOPPED, frames=750, size_bytes=400, video=Path("out/a.mp4"), video_bytes=2_500_000_000)


@pytest.mark.parametrize(
    ("job", "line"),
    [
        (STOPPED, "0f0f  animation, 512x512  32 of 750 frames  3.2 MB  stopped  2.0 hours old"),
        (replace(STOPPED, is_running=True), "0f0f  animation, 512x512  32 of 750 frames  3.2 MB  being made"),
        (replace(STOPPED, what="", frames_in_all=0, age_seconds=259_200.0),
         "0f0f  32 frames  3.2 MB  stopped  3.0 days old"),
        (FINISHED, f"0f0f  animation, 512x512  750 frames  2.5 GB  finished  2.0 hours old  {Path('out/a.mp4')}"),
        (replace(FINISHED, frames=0, age_seconds=90.0, what=""),
         f"0f0f  2.5 GB  finished  2 minutes old  {Path('out/a.mp4')}"),
    ],
    ids=["stopped", "being made", "of an unknown length", "finished", "nobody counted"],
)  # fmt: skip
def test_a_line_says_what_is_known(job, line):
    assert job_line(job) == line


def test_a_report_ends_with_what_they_take_together():
    assert report([STOPPED, FINISHED])[-1] == "2 jobs, 2.5 GB" and report([STOPPED])[-1] == "1 job, 3.2 MB"
    assert report([]) == ["0 jobs, 0.0 MB"] and readable_size(999_999_999) == "1000.0 MB"
