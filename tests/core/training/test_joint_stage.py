"""Joint training on tiny networks and made-up clips."""

from dataclasses import fields, replace

import pytest
import torch
from clips_on_script import LENGTH, SIDE, record
from tiny import models, normal

from hallo2_core.errors import SettingsError
from hallo2_core.training import sampled_clips
from hallo2_core.training.clip_batch import ClipBatch
from hallo2_core.training.clip_records import FRAMES, LATENTS
from hallo2_core.training.denoiser_objective import ObjectiveSettings
from hallo2_core.training.fresh_weights import fill_with_fresh_weights
from hallo2_core.training.joint_objective import JointObjective
from hallo2_core.training.joint_stage import JointStage, JointStageSettings
from hallo2_core.training.records import RecordShards, write_shard
from hallo2_core.training.sampled_clips import SampledClips, SamplingSettings
from hallo2_core.training.vae_stage import pixels_of

FRAMES_OF_A_CLIP = 4


@pytest.fixture
def clips(tmp_path):
    write_shard([record(10 * number) for number in range(3)], tmp_path / "clips" / "clips-0.safetensors")
    return RecordShards(tmp_path / "clips")


def stage(clips, seed=0, frames=FRAMES_OF_A_CLIP, **settings):
    made = models()
    fill_with_fresh_weights(made, 0)
    settings = JointStageSettings("", "", "", frames=frames, **settings)
    return JointStage(JointObjective(made, made.vae, settings.objective), settings, clips, clips, seed)


def test_a_fresh_model_predicts_nothing_and_learns_one_batch(clips):
    one = stage(clips)
    batch = replace(one.batch(range(2)), timesteps=torch.tensor([900, 500]))
    optimizer = torch.optim.AdamW([p for p in one.network.parameters() if p.requires_grad], 2e-3)
    losses = []
    for _ in range(20):
        loss = one.network(batch)["loss"]
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.8 * losses[0]


def test_every_weight_that_is_trained_gets_a_gradient_once_the_branches_have_left_zero(clips):
    one = stage(clips, uncond_ratio=0.0)
    torch.manual_seed(1)
    with torch.no_grad():
        for parameter in one.network.parameters():
            parameter.add_(0.05 * torch.randn(parameter.shape))
    one.network(one.batch(range(4)))["loss"].backward()
    trained = {name: p for name, p in one.network.named_parameters() if p.requires_grad}
    without = {name for name, p in trained.items() if p.grad is None}
    assert not without
    assert not any(name.startswith("vae.") for name in trained)


def test_the_batch_does_not_depend_on_who_makes_it(clips):
    whole = stage(clips).batch(range(6))
    halves = [stage(clips).batch(range(3)), stage(clips).batch(range(3, 6))]
    assert whole.seeing == sum(half.seeing for half in halves)
    assert sorted(whole.timesteps.tolist()) == sorted(t for half in halves for t in half.timesteps.tolist())
    assert stage(clips, seed=1).batch(range(6)).timesteps.tolist() != whole.timesteps.tolist()


def test_clips_without_conditions_come_first_and_depend_on_none(clips):
    one = stage(clips, uncond_ratio=0.5)
    batch = one.batch(range(8))
    hidden = len(batch.timesteps) - batch.seeing
    assert 0 < hidden < 8
    torch.manual_seed(2)
    with torch.no_grad():
        for parameter in one.network.parameters():
            parameter.add_(0.05 * torch.randn(parameter.shape))
        noisy = normal(5, *batch.latents.shape)
        before = one.network.predicted(batch, noisy)
        changed = replace(
            batch, windows=batch.windows + 1, reference=batch.reference + 1, face_region=1 - batch.face_region
        )
        after = one.network.predicted(changed, noisy)
    assert torch.equal(before[:hidden], after[:hidden])
    assert (before[hidden:] - after[hidden:]).abs().amax(dim=(1, 2, 3, 4)).min() > 1e-4


def test_the_loss_of_a_batch_is_the_mean_of_its_clips(clips):
    """The release multiplies the mean of the losses with the mean of the weights."""
    one = stage(clips, uncond_ratio=0.0)
    batch = replace(one.batch(range(3)), timesteps=torch.tensor([999, 400, 10]))
    with torch.no_grad():
        together = one.network(batch)["loss"]
        alone = torch.stack([one.network(clip_of(batch, number))["loss"] for number in range(3)])
    torch.testing.assert_close(together, alone.mean())
    assert alone[2] < 0.2 * alone[0]  # nearly no noise: a small weight


def clip_of(batch: ClipBatch, number: int) -> ClipBatch:
    one = slice(number, number + 1)
    tensors = {field.name: getattr(batch, field.name) for field in fields(batch)}
    parts = {name: tensor[one] for name, tensor in tensors.items() if isinstance(tensor, torch.Tensor)}
    return replace(batch, **parts, masks=tuple(level[:, one] for level in batch.masks), seeing=1)


@pytest.mark.parametrize("corrupt", [True, False])
def test_motion_frames_are_corrupted_unless_told_otherwise(clips, corrupt):
    one = stage(clips, portrait_motion_ratio=0.0, start_ratio=0.0, corrupt_motion_frames=corrupt)
    pairs = [pixels_of(clips.read(r, FRAMES, slice(first, first + 2))) for r in range(3) for first in range(LENGTH - 1)]
    for number in range(8):
        motion = one.sample(number).motion_pixels
        assert any(torch.equal(motion, pair) for pair in pairs) != corrupt


def test_the_vae_and_what_never_runs_stay_as_they_are():
    made = models()
    objective = JointObjective(made, made.vae, ObjectiveSettings())
    frozen = {name for name, p in objective.named_parameters() if not p.requires_grad}
    assert any(name.startswith("denoising_unet.up_blocks.0.motion_modules.") for name in frozen)
    assert all(
        name.startswith(
            (
                "vae.",
                "denoising_unet.up_blocks.0.motion_modules.",
                "denoising_unet.down_blocks.3.motion_modules.",
                "reference_net.up_blocks.3.attentions.1.",
            )
        )
        for name in frozen
    )


def test_sampled_clips_are_scored_against_the_truth(clips, monkeypatch):
    """A sampler that answers with the truth scores as the truth does."""
    settings = SamplingSettings(clips=2, first_frame=2, frames=6, steps=2)
    sampled = SampledClips(clips, "held_back", settings, motion_frames=2)
    monkeypatch.setattr(sampled_clips, "mouth_reader", lambda *_: Means())
    monkeypatch.setattr(sampled, "frames", lambda _: [true_frames(clips, n, slice(2, 8)) for n in range(2)])
    figures = sampled.figures(None)
    assert figures["sync_opening"] == pytest.approx(1.0, abs=1e-4)
    assert figures["amplitude"] == pytest.approx(1.0, abs=1e-3) and figures["jitter"] == pytest.approx(1.0)
    assert figures["psnr_db"] > 60
    monkeypatch.setattr(sampled, "frames", lambda _: [true_frames(clips, n, slice(1, 7)) for n in range(2)])
    assert sampled.figures(None)["sync_opening"] < 0.9


def test_sampling_runs_through_all_networks(clips):
    one = stage(clips)
    settings = SamplingSettings(clips=3, first_frame=2, frames=4, steps=2)
    frames = SampledClips(clips, "held_back", settings, motion_frames=2).frames(one.network)
    assert [tuple(clip.shape) for clip in frames] == [(4, 3, SIDE, SIDE)] * 3
    assert all(0 <= clip.min() and clip.max() <= 1 for clip in frames)


class Means:
    """Reads the mean of each frame, which is what the made-up records call the mouth's truth."""

    def read(self, frames):
        return frames.mean(dim=(1, 2, 3)).unsqueeze(1).expand(-1, 2)


def true_frames(records, number, span):
    return records.read(number, FRAMES, span).float() / 255


def test_clips_that_are_not_numbers_are_refused(tmp_path):
    broken = record(0)
    broken[LATENTS][:, 0, 0, 0] = float("nan")
    write_shard([broken], tmp_path / "clips-0.safetensors")
    with pytest.raises(SettingsError, match="NaN or infinite"):
        stage(RecordShards(tmp_path)).batch(range(1))


def test_clips_that_are_too_short_are_refused(clips):
    with pytest.raises(SettingsError, match=f"has {LENGTH} frames; a sample takes 8 and 2"):
        stage(clips, frames=8).batch(range(1))


def test_a_weight_on_changes_is_a_weight_on_errors_that_differ_between_frames(clips):
    plain, steady = stage(clips).network, stage(clips, objective=ObjectiveSettings(change_weight=3.0)).network
    latents = normal(1, 2, 4, 4, 8, 8)
    noise, timesteps = torch.zeros_like(latents), torch.tensor([999, 999])
    face = lips = torch.zeros(2, 8, 8)
    target = -latents

    def losses(error):
        return [float(one.loss(target + error, latents, noise, timesteps, face, lips)) for one in (plain, steady)]

    same = torch.ones_like(latents)
    assert losses(same) == pytest.approx([1.0, 1.0])
    flicker = same * torch.tensor([1.0, -1.0, 1.0, -1.0]).view(1, 4, 1, 1, 1)
    assert losses(flicker) == pytest.approx([1.0, 1.0 + 3.0 * 4.0])
