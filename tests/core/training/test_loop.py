"""The loop on a stage of a few numbers: resuming, accumulation, checkpoints, the log."""

import errno
import json
import os
import signal
import sys
from dataclasses import dataclass, replace
from types import SimpleNamespace

import pytest
import torch
from PIL import Image
from safetensors.torch import load_file
from torch import nn

from hallo2_core.errors import CheckpointError, MissingDependencyError, SettingsError
from hallo2_core.training.draws import sample_generator
from hallo2_core.training.loop import check_all_begin_with, train
from hallo2_core.training.resume import NETWORK, saved_checkpoints, step_of
from hallo2_core.training.run_log import BOARD_FOLDER, LOG_FILE, VIDEO_FOLDER
from hallo2_core.training.settings import TrainSettings

pytest.importorskip("accelerate")


@dataclass(frozen=True)
class Points:
    x: torch.Tensor

    def to(self, device):
        return Points(self.x.to(device))


class Line(nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(5)
        self.layer = nn.Linear(4, 3)

    def forward(self, batch):
        target = batch.x.sum(dim=1, keepdim=True)
        return {"loss": (self.layer(batch.x) - target).square().mean()}


class LineStage:
    name = "line"

    def __init__(self):
        self.network = Line()

    def batch(self, numbers):
        return Points(torch.stack([torch.randn(4, generator=sample_generator(0, n, "line")) for n in numbers]))

    def is_matrix(self, name, parameter):
        return True

    def validate(self):
        return {"weight": self.network.layer.weight.sum().item()}


@pytest.fixture
def settings(tmp_path):
    return TrainSettings(
        str(tmp_path / "run"), max_train_steps=12, train_batch_size=4, optimizer="muon", learning_rate=1e-2,
        checkpointing_steps=4, validation_steps=6, logging_steps=1, lr_scheduler="linear", lr_warmup_steps=3,
        ema_decay=0.9,
    )  # fmt: skip


def losses(settings):
    lines = [json.loads(line) for line in (settings.folder / LOG_FILE).read_text().splitlines()]
    return {line["step"]: line["loss"] for line in lines if "loss" in line}


def weights_after(settings):
    stage = LineStage()
    train(stage, settings)
    return stage.network.state_dict()


def test_a_stopped_run_goes_on_with_the_same_losses(settings, tmp_path):
    whole = weights_after(settings)
    stopped = replace(settings, output_dir=str(tmp_path / "stopped"))
    train(LineStage(), replace(stopped, checkpointing_steps=5, checkpoints_total_limit=9))
    (stopped.folder / LOG_FILE).unlink()
    resumed = weights_after(replace(stopped, resume_from_checkpoint=str(stopped.folder / "checkpoint-5")))
    assert all(torch.equal(whole[key], resumed[key]) for key in whole)
    first, second = losses(settings), losses(stopped)
    assert set(second) == set(range(6, 13))
    assert all(first[step] == second[step] for step in second)


def test_a_resumed_run_has_the_learning_rates_of_its_own_settings(settings):
    before = weights_after(replace(settings, max_train_steps=4))
    still = weights_after(replace(settings, max_train_steps=8, learning_rate=0.0, muon_learning_rate=0.0))
    assert saved_checkpoints(settings.folder)[-1].name == "checkpoint-8"
    assert all(torch.equal(before[key], still[key]) for key in before)


def test_passes_that_are_accumulated_make_the_same_step(settings, tmp_path):
    whole = weights_after(settings)
    passes = weights_after(replace(settings, output_dir=str(tmp_path / "b"), gradient_accumulation_steps=2))
    for key in whole:
        torch.testing.assert_close(passes[key], whole[key])


def test_the_newest_checkpoints_are_kept(settings):
    train(LineStage(), settings)
    assert [step_of(path) for path in saved_checkpoints(settings.folder)] == [8, 12]


def test_initial_weights_are_computed_once_and_not_when_resuming(settings):
    class Initialized(LineStage):
        calls = 0

        def initialize(self):
            self.calls += 1

    first, resumed = Initialized(), Initialized()
    train(first, replace(settings, max_train_steps=4))
    train(resumed, settings)
    assert (first.calls, resumed.calls) == (1, 0)


def test_a_full_disk_leaves_the_checkpoints_before(settings, monkeypatch):
    train(LineStage(), replace(settings, max_train_steps=4))

    def full(*_arguments):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(torch, "save", full)  # of the optimizers, after the weights
    with pytest.raises(CheckpointError, match="checkpoint-8 cannot be written: No space left on device. Make room"):
        train(LineStage(), settings)
    assert [path.name for path in settings.folder.glob("checkpoint-*")] == ["checkpoint-4"]


def test_what_a_killed_run_left_of_a_checkpoint_is_removed(settings):
    left = settings.folder / "checkpoint-3.unfinished"
    left.mkdir(parents=True)
    (left / NETWORK).touch()
    train(LineStage(), replace(settings, max_train_steps=4))
    assert [path.name for path in settings.folder.glob("checkpoint-*")] == ["checkpoint-4"]


def test_a_finished_run_is_not_trained_again(settings):
    once = weights_after(settings)
    again = weights_after(settings)
    assert all(torch.equal(once[key], again[key]) for key in once)


def test_validation_sees_the_averaged_weights(settings):
    stage = LineStage()
    train(stage, settings)
    lines = [json.loads(line) for line in (settings.folder / LOG_FILE).read_text().splitlines()]
    seen = [line["validation/weight"] for line in lines if "validation/weight" in line]
    assert len(seen) == 2
    assert seen[-1] != pytest.approx(stage.network.layer.weight.sum().item(), abs=1e-4)


def test_what_cannot_be_resumed_is_refused(settings, tmp_path):
    with pytest.raises(CheckpointError, match="resume_from_checkpoint"):
        train(LineStage(), replace(settings, resume_from_checkpoint=str(tmp_path)))


def test_uneven_passes_are_refused(settings):
    with pytest.raises(SettingsError, match="evenly"):
        replace(settings, gradient_accumulation_steps=3)


def test_processes_that_find_different_checkpoints_are_refused(settings):
    another_found_none = SimpleNamespace(device="cpu", gather=lambda step: torch.cat([step, torch.zeros_like(step)]))
    check_all_begin_with(0, settings, another_found_none)
    with pytest.raises(CheckpointError, match="of the steps 40, 0"):
        check_all_begin_with(40, settings, another_found_none)


@pytest.mark.skipif(os.name == "nt", reason="Windows ends a process that it signals")
def test_a_run_that_is_asked_to_stop_saves_where_it_is(settings):
    class Stopped(LineStage):
        def batch(self, numbers):
            if numbers[0] == 4 * 6:  # the seventh step
                os.kill(os.getpid(), signal.SIGTERM)
            return super().batch(numbers)

    assert train(Stopped(), settings) == 7
    assert step_of(saved_checkpoints(settings.folder)[-1]) == 7
    assert train(LineStage(), settings) == 12


class HalfFrozen(LineStage):
    """The input layer is frozen."""

    def __init__(self, scale=1.0):
        super().__init__()
        frozen = nn.Linear(4, 4)
        with torch.no_grad():
            frozen.weight.copy_(scale * torch.eye(4))
            frozen.bias.zero_()
        self.network.layer = nn.Sequential(frozen.requires_grad_(False), self.network.layer)

    def validate(self):
        return {}


def test_frozen_weights_are_not_saved_and_must_be_the_same_when_resumed(settings):
    first = HalfFrozen()
    train(first, replace(settings, max_train_steps=4))
    saved = load_file(saved_checkpoints(settings.folder)[-1] / NETWORK)
    assert set(saved) == {"layer.1.weight", "layer.1.bias"}
    assert train(HalfFrozen(), settings) == 12
    with pytest.raises(CheckpointError, match="other frozen weights"):
        train(HalfFrozen(scale=2.0), replace(settings, max_train_steps=16))


def test_a_checkpoint_that_lacks_trained_weights_is_refused(settings):
    train(HalfFrozen(), replace(settings, max_train_steps=4))
    with pytest.raises(CheckpointError, match="missing or unknown"):
        train(LineStage(), settings)


class Filmed(LineStage):
    def sample_video(self):
        return torch.linspace(0, 1, 5).reshape(5, 1, 1, 1).expand(5, 3, 8, 12)


def test_videos_are_sampled_every_so_many_steps(settings):
    train(Filmed(), replace(settings, sample_video_steps=5))
    names = sorted(path.name for path in (settings.folder / VIDEO_FOLDER).iterdir())
    assert names == ["step-000005.gif", "step-000010.gif"]
    with Image.open(settings.folder / VIDEO_FOLDER / names[0]) as gif:
        assert (gif.n_frames, gif.size, gif.info["duration"]) == (5, (12, 8), 40)


def test_tensorboard_has_losses_validation_figures_and_videos(settings):
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    train(Filmed(), replace(settings, sample_video_steps=6, report_to="tensorboard"))
    events = EventAccumulator(str(settings.folder / BOARD_FOLDER))
    events.Reload()
    logged = losses(settings)
    shown = {event.step: event.value for event in events.Scalars("train/loss")}
    assert shown == pytest.approx(logged, rel=1e-6)
    assert [event.step for event in events.Scalars("validation/weight")] == [6, 12]
    film = events.Images("sample")[0]
    assert film.encoded_image_string.startswith(b"GIF") and (film.width, film.height) == (12, 8)


def test_without_tensorboard_the_error_names_the_package(settings, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorboard.compat.proto", None)
    with pytest.raises(MissingDependencyError, match="pip install tensorboard .*extra 'train'"):
        train(LineStage(), replace(settings, report_to="tensorboard"))
