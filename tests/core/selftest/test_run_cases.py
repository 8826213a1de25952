import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from hallo2_core.errors import Hallo2Error
from hallo2_core.models.attention_function import sdpa
from hallo2_core.models.layers import Build
from hallo2_core.runtime import LocalRuntime
from hallo2_core.selftest import run_cases
from hallo2_core.selftest.case import GOLDENS, Settings, Verdict
from hallo2_core.selftest.run_cases import kind_of, long_video_clips, run_folder

SETTINGS = Settings(torch.device("cpu"))
RUN = Path(__file__).parents[2] / "parity" / "run.py"


def verdicts(folder, **given):
    return {verdict.name: verdict for verdict in run_folder(folder, SETTINGS, **given)}


def copy(name, folder, as_name=None, change=None):
    """A golden under another name, with its tensors changed by `change`."""
    with safe_open(GOLDENS / f"{name}.safetensors", framework="pt") as file:
        tensors, metadata = {key: file.get_tensor(key) for key in file.keys()}, file.metadata()  # noqa: SIM118
    if change:
        change(tensors)
    save_file(tensors, folder / f"{as_name or name}.safetensors", metadata)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("audio", "audio"),
        ("audio_2", "audio"),
        ("audiobook", "audio"),
        ("audio_proj", "audio_proj"),
        ("audio_proj_large", "audio_proj"),
        ("audio_projector", "audio_proj"),
        ("denoising_unet_cfg", "denoising_unet"),
        ("full_size_denoise_64", "full_size_denoise"),
        ("pipeline5frames", "pipeline"),
        ("scheduler40", "scheduler"),
        ("sr_full", "sr_full"),
        ("sr_transformer3", "sr_transformer"),
        ("masks_far_edges", "masks"),
        ("reference_unet", "reference_unet"),
        ("sr", None),
        ("my_audio", None),
        ("vae", None),
    ],
)
def test_the_kind_is_the_longest_stem_a_name_begins_with(name, kind):
    assert kind_of(name) == kind


def test_a_sound_case_passes_with_its_name_free_behind_the_kind(tmp_path):
    copy("scheduler40", tmp_path, "scheduler_of_mine")
    verdict = verdicts(tmp_path)["scheduler_of_mine"]
    assert verdict.status == "PASS" and verdict.max_abs < 1e-6


@pytest.mark.parametrize(
    ("name", "tensor"),
    [("scheduler40", "timesteps"), ("scheduler40", "alphas_cumprod"), ("image_proj", "output")],
)
def test_a_damaged_golden_fails(tmp_path, name, tensor):
    def damage(tensors):
        tensors[tensor].view(-1)[3] += 1

    copy(name, tmp_path, change=damage)
    verdict = verdicts(tmp_path)[name]
    assert verdict.status == "FAIL" and verdict.max_abs == pytest.approx(1.0, abs=1e-3)
    assert "differs by 1, limit" in verdict.reason


def test_a_result_that_is_not_a_number_fails_and_says_so(tmp_path):
    copy("image_proj", tmp_path, change=lambda tensors: tensors["output"].fill_(float("nan")))
    verdict = verdicts(tmp_path)["image_proj"]
    assert verdict.status == "FAIL" and verdict.max_abs != verdict.max_abs


def test_another_salt_is_another_network(tmp_path):
    with safe_open(GOLDENS / "image_proj.safetensors", framework="pt") as file:
        tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    save_file(tensors, tmp_path / "image_proj.safetensors", {"salt": "1"})
    assert verdicts(tmp_path)["image_proj"].status == "FAIL"


def test_a_case_that_breaks_down_fails_and_the_others_still_run(tmp_path):
    copy("image_proj", tmp_path, "image_proj_a", change=lambda tensors: tensors.pop("input"))
    (tmp_path / "image_proj_b.safetensors").write_bytes(b"not a safetensors file")
    copy("image_proj", tmp_path, "image_proj_c")
    found = verdicts(tmp_path)
    assert [verdict.status for verdict in found.values()] == ["FAIL", "FAIL", "PASS"]
    assert found["image_proj_a"].reason == "KeyError: 'input'"


def test_an_unknown_name_is_skipped_with_the_known_ones(tmp_path):
    copy("scheduler40", tmp_path, "timetable")
    verdict = verdicts(tmp_path)["timetable"]
    assert verdict.status == "SKIP" and "starts with none of audio, audio_proj," in verdict.reason


def test_full_size_cases_run_only_in_heavy_runs(tmp_path):
    shutil.copy(GOLDENS / "full_size_denoise.safetensors", tmp_path)
    verdict = verdicts(tmp_path, heavy=False)["full_size_denoise"]
    assert verdict.status == "SKIP" and "10 GiB" in verdict.reason


class TestLongVideos:
    FILES = (
        "longvideo_inputs",
        "longvideo_clip1",
        "longvideo_clip2",
        "longvideo_clip10",
        "longvideo_four_inputs",
        "longvideo_four_clip1",
    )

    @pytest.fixture
    def folder(self, tmp_path):
        for name in self.FILES:
            save_file({"x": torch.zeros(1)}, tmp_path / f"{name}.safetensors")
        return tmp_path

    def test_clips_are_those_of_the_same_video_in_the_order_of_their_numbers(self, folder):
        names = [case.name for case in long_video_clips(folder, "longvideo")]
        assert names == ["longvideo_clip1", "longvideo_clip2", "longvideo_clip10"]
        assert [case.name for case in long_video_clips(folder, "longvideo_four")] == ["longvideo_four_clip1"]

    def test_each_video_is_run_once_with_its_clips(self, folder, monkeypatch):
        runs = {}

        def remember(inputs, clips, settings):
            runs[inputs.name] = len(clips)
            return [Verdict(clip.name, 0.0, 0.0, "PASS") for clip in clips]

        monkeypatch.setattr(run_cases, "run_longvideo", remember)
        assert set(verdicts(folder)) == {name for name in self.FILES if "clip" in name}
        assert runs == {"longvideo_inputs": 3, "longvideo_four_inputs": 1}

    def test_clips_without_inputs_and_inputs_without_clips_fail(self, tmp_path):
        for name in ("longvideo_clip2", "longvideo_b_inputs"):
            save_file({"x": torch.zeros(1)}, tmp_path / f"{name}.safetensors")
        found = verdicts(tmp_path)
        assert {name: (v.status, v.reason) for name, v in found.items()} == {
            "longvideo_clip2": ("FAIL", "there is no longvideo_inputs"),
            "longvideo_b_inputs": ("FAIL", "there is no longvideo_b_clip1"),
        }


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(Hallo2Error, match="nowhere is not a folder. Pass a folder with golden cases"):
        list(run_folder(tmp_path / "nowhere", SETTINGS))


def run_script(*arguments):
    return subprocess.run([sys.executable, RUN, *map(str, arguments)], capture_output=True, text=True, check=False)


def test_the_script_prints_a_line_a_case_and_exits_with_the_verdict(tmp_path):
    copy("scheduler40", tmp_path)
    copy("image_proj", tmp_path)
    passed = run_script(tmp_path)
    assert passed.returncode == 0, passed.stderr
    name, max_abs, rel, status = passed.stdout.splitlines()[0].split()
    assert (name, status) == ("image_proj", "PASS") and float(max_abs) < 1e-4 and float(rel) < 1e-4
    copy("image_proj", tmp_path, change=lambda tensors: tensors["output"].add_(1.0))
    failed = run_script(tmp_path, "--json")
    lines = [json.loads(line) for line in failed.stdout.splitlines()]
    assert failed.returncode == 1
    assert {line["name"]: line["status"] for line in lines} == {"image_proj": "FAIL", "scheduler40": "PASS"}


def test_the_script_fails_where_nothing_ran(tmp_path):
    empty = run_script(tmp_path)
    assert empty.returncode == 1 and not empty.stdout
    missing = run_script(tmp_path / "nowhere")
    assert missing.returncode == 1 and "is not a folder" in missing.stderr and "Traceback" not in missing.stderr


def test_a_kind_that_is_left_out_is_skipped_with_its_reason(tmp_path):
    for name in ("scheduler40", "longvideo_inputs", "longvideo_clip1"):
        shutil.copy(GOLDENS / f"{name}.safetensors", tmp_path)
    found = verdicts(tmp_path, left_out={"longvideo": "not today"})
    assert found["scheduler40"].status == "PASS"
    assert found.keys() == {"scheduler40", "longvideo_inputs"}  # which stands for the whole video
    assert (found["longvideo_inputs"].status, found["longvideo_inputs"].reason) == ("SKIP", "not today")


class CountingManager(LocalRuntime):
    def __init__(self):
        super().__init__("cpu")
        self.brought = []

    def ready(self, *modules):
        self.brought += [type(module).__name__ for module in modules]
        super().ready(*modules)


class CountingLayers:
    """torch's own, counted as they are made."""

    made = 0

    def __getattr__(self, name):
        self.made += 1
        return getattr(torch.nn, name)


def test_networks_are_built_of_the_given_layers_and_attention_and_brought_by_the_manager(tmp_path):
    for name in ("image_proj", "sr_transformer"):
        shutil.copy(GOLDENS / f"{name}.safetensors", tmp_path)
    attended = []

    def attention(q, k, v, heads):
        attended.append(heads)
        return sdpa(q, k, v, heads)

    layers, manager = CountingLayers(), CountingManager()
    settings = Settings(torch.device("cpu"), layers=Build(layers, attention), manager=manager)
    assert [verdict.status for verdict in run_folder(tmp_path, settings)] == ["PASS", "PASS"]
    assert layers.made > 10 and set(attended) == {8}
    assert manager.brought[0] == "ImageProjection" and "TemporalAlignment" in manager.brought
