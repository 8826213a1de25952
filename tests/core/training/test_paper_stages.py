"""Stages 1 and 2 on a tiny model of the released one's kind."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from tiny_training import CLIP_FRAMES, losses_on, stage1_table, stage2_table

from hallo2_core import training
from hallo2_core.checkpoints.build import load_hallo2
from hallo2_core.checkpoints.networks import PREFIXES
from hallo2_core.errors import SettingsError
from hallo2_core.models.layers import Build
from hallo2_core.training.config_file import settings_from
from hallo2_core.training.data_settings import SETTINGS_FILE
from hallo2_core.training.ema import trained_parameters
from hallo2_core.training.export import export_stage
from hallo2_core.training.loop import train
from hallo2_core.training.paper_stages import MotionStageSettings, motion_stage, picture_stage
from hallo2_core.training.picture_stage import PictureStageSettings
from hallo2_core.training.resume import NETWORK
from hallo2_core.training.run_log import LOG_FILE
from hallo2_core.training.settings import TrainSettings
from hallo2_core.training.stages import configured

CONFIGS = Path(training.__file__).parent / "configs"
STAGES = {"stage1": (picture_stage, stage1_table), "stage2": (motion_stage, stage2_table)}


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """The folder of the model, the VAE and the clips, which no test changes."""
    folder = tmp_path_factory.mktemp("files")
    stage2_table(folder)
    return folder


def made(name, folder, **model):
    build, table = STAGES[name]
    return build(table(folder, **model), 0, name)


def overfit(stage, steps=12, rate=3e-3):
    """The losses of steps on one batch, at timesteps where there is something to learn."""
    batch = replace(stage.batch(range(2)), timesteps=torch.tensor([900, 600]))
    return losses_on(batch, stage, steps, rate)


@pytest.mark.parametrize("name", STAGES)
def test_each_stage_overfits_one_batch_and_leaves_the_rest_to_the_bit(name, files, tmp_path):
    stage = made(name, files)
    losses = overfit(stage)
    assert losses[-1] < 0.7 * losses[0]

    export_stage(stage, tmp_path / "after.safetensors")
    before, after = load_file(files / "net.safetensors"), load_file(tmp_path / "after.safetensors")
    assert before.keys() == after.keys()
    changed = {key for key in before if not torch.equal(before[key], after[key])}
    trained = {file_name(key) for key in trained_parameters(stage.network)}
    assert changed and changed <= trained
    is_motion = {key for key in trained if "audio_modules" in key or "motion_modules" in key or "audioproj" in key}
    assert is_motion == (trained if name == "stage2" else set())
    assert {key.partition(".")[0] for key in changed} == (
        {"denoising_unet", "audioproj"}
        if name == "stage2"
        else {"denoising_unet", "reference_unet", "face_locator", "imageproj"}
    )


def file_name(name):
    network, _, below = name.partition(".")
    return PREFIXES[network] + below


@pytest.mark.parametrize("name", STAGES)
def test_a_stopped_run_resumes_with_the_same_losses_from_what_it_trains_alone(name, files, tmp_path):
    pytest.importorskip("accelerate")
    settings = TrainSettings(
        str(tmp_path / "whole"), max_train_steps=4, train_batch_size=2, learning_rate=1e-3, optimizer="adafactor",
        ema_decay=0.0, logging_steps=1, checkpointing_steps=2, validation_steps=4,
    )  # fmt: skip
    train(made(name, files), settings)
    stopped = replace(settings, output_dir=str(tmp_path / "stopped"))
    train(made(name, files), replace(stopped, max_train_steps=2))
    train(made(name, files), stopped)
    assert losses_of(stopped) == losses_of(settings)
    assert len(losses_of(settings)) == 4
    saved = load_file(tmp_path / "whole" / "checkpoint-4" / NETWORK)
    assert {key for key in saved if not key.endswith(".pe")} == set(trained_parameters(made(name, files).network))


def losses_of(settings):
    lines = [json.loads(line) for line in (settings.folder / LOG_FILE).read_text().splitlines()]
    return {line["step"]: line["loss"] for line in lines if "loss" in line}


def test_trained_weights_are_float32_and_frozen_matrices_are_not(files):
    network = made("stage2", files).network
    dtypes = {True: set(), False: set()}
    for key, parameter in network.named_parameters():
        if parameter.ndim > 1 and not key.startswith("vae."):
            dtypes[parameter.requires_grad].add(parameter.dtype)
    assert dtypes == {True: {torch.float32}, False: {torch.float16}}


def test_gradient_checkpointing_changes_no_number(files):
    losses = [overfit(made("stage2", files, gradient_checkpointing=on), steps=2) for on in (True, False)]
    assert losses[0] == losses[1]


def test_lora_trains_a_fraction_of_the_weights_and_is_added_on_loading(files, tmp_path):
    pytest.importorskip("peft")
    stage = made("stage2", files, lora_rank=2, lora_alpha=4.0, frozen_dtype="fp32")
    batch = stage.batch(range(2))
    noisy = torch.randn(batch.latents.shape, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        untrained = stage.network.predicted(batch, noisy)
    trained = trained_parameters(stage.network)
    assert all(".lora_A." in name or ".lora_B." in name for name in trained)
    assert sum(p.numel() for p in trained.values()) < 0.1 * sum(p.numel() for p in stage.network.parameters())
    overfit(stage, steps=3, rate=1e-2)
    with torch.no_grad():
        adapted = stage.network.predicted(batch, noisy)
    assert (adapted - untrained).abs().max() > 1e-3

    export_stage(stage, tmp_path / "lora.safetensors")
    assert (tmp_path / "lora.safetensors").stat().st_size < 0.2 * (files / "net.safetensors").stat().st_size
    plain = made("stage2", files, frozen_dtype="fp32").network
    loaded = load_hallo2(files / "net.safetensors", Build(dtype=torch.float32), lora=tmp_path / "lora.safetensors")
    for name in PREFIXES:
        getattr(plain, name).load_state_dict(getattr(loaded, name).state_dict())
    with torch.no_grad():
        apart = plain.predicted(batch, noisy) - adapted
    assert apart.norm() < 0.02 * (adapted - untrained).norm()  # stored in float16


def test_clips_lose_image_sound_or_both_as_often_as_asked(files):
    table = stage2_table(files) | {"uncond_ratio": 0.2, "uncond_image_ratio": 0.3, "uncond_audio_ratio": 0.1}
    stage = motion_stage(table, 0, "stage2")
    given = [stage._given(chance / 100 + 0.005) for chance in range(100)]
    assert given.count((False, False)) == 20
    assert given.count((False, True)) == 30
    assert given.count((True, False)) == 10
    assert given.count((True, True)) == 40


def test_a_clip_without_sound_ignores_it_and_one_without_image_ignores_that(files):
    network = made("stage2", files).network
    stage = motion_stage(stage2_table(files) | {"uncond_ratio": 0.0}, 0, "stage2")
    batch = replace(stage.batch(range(3)), seeing=2, heard=torch.tensor([1.0, 0.0, 1.0]))
    noisy = torch.randn(batch.latents.shape, generator=torch.Generator().manual_seed(2))

    def changed(**values):
        with torch.no_grad():
            return [
                not torch.equal(one, other)
                for one, other in zip(
                    network.predicted(batch, noisy), network.predicted(replace(batch, **values), noisy), strict=True
                )
            ]

    assert changed(windows=batch.windows + 1) == [True, False, True]
    assert changed(reference=batch.reference + 1, identity=batch.identity + 1) == [False, True, True]


def test_picture_and_portrait_lie_apart(files):
    table = stage1_table(files) | {"least_distance_frames": 3, "uncond_ratio": 0.5}
    stage = picture_stage(table, 0, "stage1")
    batch = stage.batch(range(24))
    assert 0 < batch.seeing < 24
    clips = [load_file(files / "clips" / "clips-0.safetensors")[f"{n}/latents"].float() for n in range(2)]

    def place(latents):
        return next(
            (number, frame)
            for number, clip in enumerate(clips)
            for frame in range(CLIP_FRAMES)
            if torch.equal(clip[frame], latents)
        )

    for latents, reference in zip(batch.latents, batch.reference, strict=True):
        (clip, frame), (other, portrait) = place(latents), place(reference)
        assert clip == other and abs(frame - portrait) >= 3


@pytest.mark.parametrize("name", ["paper_stage1", "paper_stage2", "lora_stage2"])
def test_the_shipped_configurations_are_complete(name):
    stage = name.removeprefix("paper_").removeprefix("lora_")
    kind = {"stage1": PictureStageSettings, "stage2": MotionStageSettings}[stage]
    general, table = configured(stage, CONFIGS / f"{name}.toml")
    assert general.train_batch_size % general.gradient_accumulation_steps == 0
    settings = settings_from(kind, table, name)
    assert settings.model.gradient_checkpointing
    assert settings.objective.lip_weight == 0.0  # also where the table of the objective only names the schedule
    assert settings.objective.noise_schedule == ("released" if name == "lora_stage2" else "sampled")


def test_a_model_must_be_named_once(files):
    table = stage1_table(files, unet="unet.safetensors")
    with pytest.raises(SettingsError, match="either weights"):
        picture_stage(table, 0, "stage1")
    with pytest.raises(SettingsError, match="incomplete.*'model'"):
        picture_stage({key: value for key, value in table.items() if key != "model"}, 0, "stage1")


def test_a_video_is_sampled_with_the_released_guidance(files):
    frames = made("stage2", files).sample_video()
    assert frames.shape == (3, 3, 64, 64) and 0 <= frames.min() and frames.max() <= 1


def test_clips_that_are_too_short_are_refused_before_hours_of_training(files):
    with pytest.raises(SettingsError, match="has 8 frames, but the sampled video takes 16 from frame 0"):
        motion_stage(stage2_table(files) | {"video": {}}, 0, "stage2")
    with pytest.raises(SettingsError, match="has 8 frames; a sample takes 7 and 2 before"):
        motion_stage(stage2_table(files) | {"frames": 7}, 0, "stage2").batch(range(1))


def test_lora_layers_are_trained_in_float32_beside_half_precision(files):
    pytest.importorskip("peft")
    stage = made("stage2", files, lora_rank=2)
    assert {p.dtype for p in trained_parameters(stage.network).values()} == {torch.float32}
    assert overfit(stage, steps=1)[0] > 0


@pytest.mark.parametrize("name", STAGES)
def test_clips_of_another_vae_are_refused(name, tmp_path):
    build, table = STAGES[name]
    settings = table(tmp_path)
    claim = {"vae_encoder": "another's", "resolution": 64, "fps": "25", "speech_encoder": ""}
    (tmp_path / "clips" / SETTINGS_FILE).write_text(json.dumps(claim))
    with pytest.raises(SettingsError, match="encoded by another VAE"):
        build(settings, 0, name)
