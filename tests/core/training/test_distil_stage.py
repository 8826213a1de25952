"""Stage `distil` on a tiny model of the released one's kind."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from tiny import normal
from tiny_training import losses_on, stage2_table

from hallo2_core import training
from hallo2_core.animation.noise_schedule import ddim_step, signal_levels, timesteps
from hallo2_core.checkpoints.build import load_hallo2
from hallo2_core.errors import SettingsError
from hallo2_core.models.hallo2_models import FewSteps
from hallo2_core.models.layers import Build
from hallo2_core.training.config_file import settings_from
from hallo2_core.training.distil_objective import velocity_between
from hallo2_core.training.distil_stage import DistilStageSettings
from hallo2_core.training.ema import trained_parameters
from hallo2_core.training.export import export_stage
from hallo2_core.training.stages import configured, distil_stage

pytest.importorskip("peft")

CONFIGS = Path(training.__file__).parent / "configs"


@pytest.fixture
def table(tmp_path):
    """Two steps for four: a path has five points."""
    own = {"steps": 2, "teacher": {"steps": 4, "guidance": 2.0, "dtype": "fp32"}, "paths": 3, "video": {}}
    folder = {"path_folder": str(tmp_path / "paths"), "validation_samples": 1}
    return stage2_table(tmp_path, lora_rank=2, frozen_dtype="fp32") | own | folder


def train(stage, steps):
    """The losses of steps on one batch."""
    return losses_on(stage.batch(range(4)), stage, steps, 1e-2)


def paths(folder):
    return {path: load_file(path)["0/path"] for path in folder.rglob("*.safetensors")}


def test_a_step_with_the_wanted_velocity_ends_on_the_path():
    levels, steps = signal_levels(), 4
    latents, following = normal(1, 1, 2, 4, 8, 8), normal(2, 1, 2, 4, 8, 8)
    for timestep, later in zip(timesteps(steps), [*timesteps(steps)[1:], None], strict=True):
        end = torch.tensor([1.0]) if later is None else levels[[later]]
        velocity = velocity_between(latents, following, levels[[timestep]], end)
        torch.testing.assert_close(ddim_step(latents, velocity, timestep, steps), following, atol=1e-4, rtol=1e-4)


def test_it_overfits_one_batch_and_the_export_samples_as_it_says(table, tmp_path):
    stage = distil_stage(table, 0, "distil")
    losses = train(stage, 12)
    assert losses[-1] < 0.7 * losses[0]
    assert all(".lora_" in name for name in trained_parameters(stage.network))

    export_stage(stage, tmp_path / "few_step.safetensors")
    net, build = table["model"]["weights"], Build(dtype=torch.float32)
    plain, student = load_hallo2(net, build), load_hallo2(net, build, few_step=tmp_path / "few_step.safetensors")
    assert (plain.few_steps, student.few_steps) == (None, FewSteps(2, 1.0))
    before, after = plain.denoising_unet.state_dict(), student.denoising_unet.state_dict()
    changed = [key for key in before if not torch.equal(before[key], after[key])]
    assert any("time_emb" in key for key in changed) and any("audio_modules" in key for key in changed)
    assert not any("to_q" in key for key in changed)


def test_the_teacher_is_the_model_without_what_was_trained(table, tmp_path):
    stage = distil_stage(table, 0, "distil")
    stage.batch(range(4))
    before = paths(tmp_path / "paths")
    train(stage, 3)
    for path in before:
        path.unlink()
    stage.batch(range(4))
    after = paths(tmp_path / "paths")
    assert before.keys() == after.keys()
    assert all(torch.equal(path, after[file]) for file, path in before.items())


def test_paths_are_computed_once_for_students_of_any_number_of_steps(table, tmp_path):
    distil_stage(table, 0, "distil").batch(range(12))
    before = {path: path.stat().st_mtime_ns for path in paths(tmp_path / "paths")}
    assert len(before) == 3
    batch = distil_stage(table | {"steps": 4}, 0, "distil").batch(range(12))
    assert {path: path.stat().st_mtime_ns for path in paths(tmp_path / "paths")} == before
    assert batch.prompted.clips.timesteps.tolist() == timesteps(4) * 3
    other = table | {"teacher": table["teacher"] | {"guidance": 3.0}}
    distil_stage(other, 0, "distil").batch(range(1))
    assert len(paths(tmp_path / "paths")) == 4


def test_a_path_leads_from_the_clips_noise_through_the_teachers_steps(table, tmp_path):
    stage = distil_stage(table, 0, "distil")
    batch = stage.batch(range(2))
    for place, noise in enumerate(batch.prompted.clips.noise):
        [path] = [path for path in paths(tmp_path / "paths").values() if torch.equal(path[0], noise.half())]
        assert len(path) == 5
        assert torch.equal(batch.begin[place], path[2 * place].float())
        assert torch.equal(batch.end[place], path[2 * place + 2].float())
    assert batch.signals.tolist() == [[0.0, float(signal_levels()[499])], [float(signal_levels()[499]), 1.0]]


def test_the_loss_of_each_step_is_validated(table):
    with torch.no_grad():
        figures = distil_stage(table, 0, "distil").validate()
    assert set(figures) == {"loss_of_step_1", "loss_of_step_2"} and all(value > 0 for value in figures.values())


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"steps": 3}, "takes 3 steps and the teacher 4"),
        ({"teacher": {"steps": 12}, "steps": 4}, "divides 1000"),
        ({"uncond_ratio": 0.1}, "without guidance"),
        ({"model": {"weights": "net.pth"}}, "lora_rank"),
        ({"teacher": {"dtype": "fp8"}}, "dtype of the teacher is 'fp8'"),
    ],
)
def test_settings_that_cannot_work_are_refused(table, change, said):
    with pytest.raises(SettingsError, match=said):
        distil_stage(table | change, 0, "distil")


@pytest.mark.parametrize("name", ["small_distil", "paper_distil"])
def test_the_shipped_configurations_are_complete(name):
    _, table = configured("distil", CONFIGS / f"{name}.toml")
    student = settings_from(DistilStageSettings, table, name).of_student
    assert student.sampling.steps == student.video.steps == student.steps == 4
    assert student.sampling.guidance == student.video.guidance == 1.0
