import csv
import errno
import json

import pytest
import torch

from hallo2_core.cli import main
from hallo2_core.errors import SettingsError, VideoError
from hallo2_core.evaluation.evaluate import EvaluationSettings, evaluate, evaluate_light
from hallo2_core.inspection.inspect_video import inspect_video
from hallo2_core.runtime import LocalRuntime


def steps(frames=40, per_frame=1, per_clip=20, side=48):
    """(f h w 3): gray that brightens slowly, and by a lot more at clip borders."""
    levels = torch.tensor([60 + per_frame * frame + per_clip * (frame // 16) for frame in range(frames)])
    return levels[:, None, None, None].expand(-1, side, side, 3)


def measured(videos, references=(), **settings):
    return evaluate(videos, list(references), EvaluationSettings(**settings), LocalRuntime("cpu"))


def test_without_references_flicker_and_seams_are_measured(write_video):
    path = write_video("steps.mp4", steps())
    evaluation = measured([path])
    figures = evaluation.videos["steps.mp4"].figures
    assert set(figures) == {"flicker", "seam_jump"} and figures["seam_jump"] > 10
    assert figures["flicker"] == pytest.approx((37 * 1 + 2 * 21) / 39, rel=0.1)  # light that changes is flicker


def test_a_video_against_itself_and_against_a_brighter_one(write_video):
    path, brighter = write_video("a.mp4", steps()), write_video("b.mp4", steps() + 16)
    figures = measured([path, brighter], [path, path], metrics=("psnr", "ssim")).videos
    assert figures["a.mp4"].figures == pytest.approx({"psnr": 100.0, "ssim": 1.0})
    assert figures["b.mp4"].figures["psnr"] == pytest.approx(24.05, abs=0.7)
    assert figures["b.mp4"].curves["psnr"].columns[0].mean == pytest.approx(24.05, abs=0.7)


def test_seams_are_those_of_an_inspection(write_video):
    path = write_video("steps.mp4", steps(50))
    video = measured([path], metrics=("seam_jump",), clip_frames=10).videos["steps.mp4"]
    assert video.figures == {"seam_jump": inspect_video(path, None, LocalRuntime("cpu"), 10).report.seam_jump}
    assert [frame for frame, column in enumerate(video.curves["seams"].columns) if column] == [10, 20, 30, 40]
    assert len(video.curves["change"].columns) == video.frames == 50


def test_without_networks_a_single_video_is_measured_against_its_pair(write_video):
    path = write_video("a.mp4", steps())
    alone, paired = (evaluate_light(path, real, LocalRuntime("cpu")).videos["video"] for real in (None, path))
    assert set(alone.figures) == {"flicker", "seam_jump"} and paired.figures["psnr"] == 100.0
    with pytest.raises(SettingsError, match="48x48 and its reference 32x32"):
        evaluate_light(path, write_video("small.mp4", steps(8, side=32)), LocalRuntime("cpu"))
    with pytest.raises(SettingsError, match="has 0 frames"):
        evaluate_light(path, None, LocalRuntime("cpu"), clip_frames=0)


def test_the_mean_over_videos_is_a_row_of_its_own(write_video):
    evaluation = measured([write_video("a.mp4", steps()), write_video("b.mp4", steps(per_clip=0))])
    jumps = [video.figures["seam_jump"] for video in evaluation.videos.values()]
    assert evaluation.means["seam_jump"] == pytest.approx(sum(jumps) / 2)
    assert [name for name, _ in evaluation.rows()] == ["a.mp4", "b.mp4", "mean"]
    assert "seam_jump: change at clip borders" in evaluation.text()


@pytest.mark.parametrize(
    ("settings", "references", "message"),
    [
        ({"metrics": ("beauty",)}, 0, "no metric 'beauty'; choose from psnr"),
        ({"metrics": ("psnr",)}, 0, "'psnr' needs one --reference per video"),
        ({"metrics": ("ssim",)}, 2, "'ssim' needs one --reference per video"),
    ],
)
def test_what_a_metric_lacks_is_said(write_video, settings, references, message):
    path = write_video("a.mp4", steps(8))
    with pytest.raises(SettingsError, match=message):
        measured([path], [path] * references, **settings)


def test_pairs_have_one_size_and_one_frame_rate(write_video):
    path = write_video("a.mp4", steps(8))
    with pytest.raises(SettingsError, match="48x48 and its reference 32x32"):
        measured([path], [write_video("small.mp4", steps(8, side=32))])
    with pytest.raises(VideoError, match="25 frames per second and its reference 30"):
        measured([path], [write_video("fast.mp4", steps(8), fps=30)])
    with pytest.raises(SettingsError, match="given twice"):
        measured([path, path])


def test_the_command_writes_a_table_plots_and_json(write_video, tmp_path, capsys):
    path, out = write_video("a.mp4", steps()), tmp_path / "out"
    assert main(["evaluate", str(path), "--reference", str(path), "--out", str(out), "--json", "--device", "cpu"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["videos"]["a.mp4"]["frames"] == 40 and printed["videos"]["a.mp4"]["ssim"] == pytest.approx(1.0)
    with (out / "evaluation.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["video"] for row in rows] == ["a.mp4"] and float(rows[0]["psnr"]) == 100.0
    assert json.loads((out / "evaluation.json").read_text())["mean"]["psnr"] == 100.0
    assert (out / "a.evaluation.png").is_file()
    assert main(["evaluate", str(path), "--out", str(out), "--device", "cpu"]) == 0
    assert "seam_jump" in capsys.readouterr().out and len(list(out.glob("*.csv"))) == 2  # nothing is overwritten


def test_figures_are_printed_if_the_disk_is_full(write_video, tmp_path, capsys, monkeypatch):
    def full(*_arguments):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("hallo2_core.evaluation.report.Evaluation.write_csv", full)
    path, out = write_video("a.mp4", steps()), tmp_path / "out"
    assert main(["evaluate", str(path), "--out", str(out), "--json", "--device", "cpu"]) == 2
    said = capsys.readouterr()
    assert json.loads(said.out)["videos"]["a.mp4"]["frames"] == 40
    assert "Not all files could be written" in said.err


def test_the_command_refuses_in_one_line(tmp_path, capsys):
    out = tmp_path / "evaluation"
    assert main(["evaluate", str(tmp_path / "none.mp4"), "--out", str(out)]) == 2
    assert "There is no video" in capsys.readouterr().err and not out.exists()


def test_a_folder_that_cannot_be_written_to_is_refused_before_anything_is_measured(
    monkeypatch, write_video, tmp_path, capsys
):
    monkeypatch.setattr("hallo2_core.evaluation.evaluate.evaluate", lambda *_arguments: pytest.fail("measured"))
    path, out = write_video("a.mp4", steps(8)), tmp_path / "evaluation"
    out.touch()
    assert main(["evaluate", str(path), "--out", str(out)]) == 2
    assert f"Nothing can be written to --out {out}: it is not a folder" in capsys.readouterr().err
