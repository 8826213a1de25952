import csv
from fractions import Fraction

import pytest
import torch
from stand_ins import PressedCancelError, RecordingRuntime

from hallo2_core.errors import VideoError
from hallo2_core.inspection.inspect_video import inspect_video
from hallo2_core.runtime import LocalRuntime
from hallo2_core.video.settings import VideoSettings
from hallo2_core.video.writer import VideoWriter


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    """40 frames that brighten slowly, and by a lot more at frames 16 and 32."""
    levels = torch.tensor([60 + frame + 20 * (frame // 16) for frame in range(40)]).byte()
    with VideoWriter(
        tmp_path_factory.mktemp("video") / "steps.mp4", 64, 48, Fraction(25), VideoSettings(quality=4)
    ) as writer:
        writer.write(levels[:, None, None, None].expand(-1, 48, 64, 3))
    return writer.path


def test_seams_are_found_where_they_are(video, tmp_path):
    runtime, table = RecordingRuntime(), tmp_path / "table.csv"
    done = inspect_video(video, None, runtime, table=table)
    assert done.report.seam_jump > 10 and done.report.frames == 40 and done.report.clips == 3
    assert {moment.frame for moment in done.report.worst if moment.measure == "change"} == {16, 32}
    assert runtime.reports[-1] == (40, 40) and done.plot.width == 1200 and "Worst moments" in done.text
    with table.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["frame"]) for row in rows] == list(range(40)) and rows[0]["change"] == ""
    assert [row["frame"] for row in rows if row["is_seam"] == "1"] == ["16", "32"]
    assert float(rows[25]["seconds"]) == 1.0 and 18 < float(rows[16]["change"]) < 25


def test_a_table_is_not_overwritten(video, tmp_path):
    table = tmp_path / "table.csv"
    table.write_text("mine")
    with pytest.raises(VideoError, match="exists already"):
        inspect_video(video, None, LocalRuntime(), table=table)
    assert table.read_text() == "mine"


def test_a_table_that_cannot_be_written_is_one_message(video, tmp_path):
    with pytest.raises(VideoError, match="table.csv cannot be written: No such file or directory"):
        inspect_video(video, None, LocalRuntime(), table=tmp_path / "gone" / "table.csv")


def test_stopped_it_leaves_no_half_a_table(video, tmp_path):
    with pytest.raises(PressedCancelError):
        inspect_video(video, None, RecordingRuntime(cancel_after=5), table=tmp_path / "table.csv")
    assert not list(tmp_path.iterdir())
