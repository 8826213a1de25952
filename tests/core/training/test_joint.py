"""Joint training on tiny networks and made-up clips."""

from dataclasses import replace

import pytest
import torch
from clips_on_script import LENGTH, SIDE, record
from tiny import models, normal

from hallo2_core.animation.noise_schedule import TRAINING_STEPS
from hallo2_core.errors import SettingsError
from hallo2_core.training import sampled_clips
from hallo2_core.training.clip_batch import ClipBatch
from hallo2_core.training.clip_records import FACE_BOX, FRAMES, LATENTS, MASKS
from hallo2_core.training.fresh_weights import fill_with_fresh_weights
from hallo2_core.training.joint_objective import JointObjective, ObjectiveSettings
from hallo2_core.training.joint_stage import JointStage, JointStageSettings, spread_timestep
from hallo2_core.training.records import RecordShards, write_shard
from hallo2_core.training.sampled_clips import SampledClips, SamplingSettings

FRAMES_OF_A_CLIP = 4


@pytest.fixture
def clips(tmp_path):
    write_shard([record(10 * number) for number in range(3)], tmp_path / "clips" / "clips-0.safetensors")
    return RecordShards(tmp_path / "clips")


def stage(clips, seed=0, **settings):
    made = models()
    fill_with_fresh_weights(made, 0)
    settings = JointStageSettings("", "", "", frames=FRAMES_OF_A_CLIP, **settings)
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


def test_a_crop_is_the_same_place_of_everything(tmp_path):
    """Latents that tell their column, a face box and lips in known columns."""
    side, columns = 128, torch.arange(16.0)
    tokens = [(side // (8 << level)) ** 2 for level in range(4)]
    lips = torch.zeros(16, 16)
    lips[10:13, 6:10] = 255
    one = record(0) | {
        FRAMES: torch.arange(side).expand(LENGTH, 3, side, side).byte().contiguous(),
        LATENTS: columns.half().expand(LENGTH, 4, 16, 16).contiguous(),
        MASKS: torch.cat([lips.flatten().expand(LENGTH, 3, -1), torch.zeros(LENGTH, 3, sum(tokens[1:]))], dim=2).byte(),
        FACE_BOX: torch.tensor([[64, 0, 128, 128]] * LENGTH, dtype=torch.int32),
    }
    write_shard([one], tmp_path / "clips-0.safetensors")
    records = RecordShards(tmp_path)
    batch = stage(records, crop_px=64, lip_crop_ratio=1.0, start_ratio=0.0, portrait_motion_ratio=0.0).batch(range(12))
    assert batch.latents.shape == (12, FRAMES_OF_A_CLIP, 4, 8, 8) == batch.noise.shape
    assert batch.motion_pixels.shape == (12, 2, 3, 64, 64)
    assert [level.shape for level in batch.masks] == [(3, 12, n * n) for n in (8, 4, 2, 1)]
    lefts = batch.latents[:, 0, 0, 0, 0].long()
    assert len(set(lefts.tolist())) > 2
    for left, reference, region, lip in zip(
        lefts.tolist(), batch.reference, batch.face_region, batch.masks[0][2], strict=True
    ):
        assert reference[0, 0].tolist() == list(range(left, left + 8))
        assert region[0, 0].sum() == max(0, min(64, 8 * left))
        seen = lip.reshape(8, 8).amax(dim=0).nonzero().flatten().add(left).tolist()
        assert seen == [column for column in (6, 7, 8, 9) if left <= column < left + 8]


def clip_of(batch: ClipBatch, number: int) -> ClipBatch:
    one = slice(number, number + 1)
    return ClipBatch(
        batch.latents[one], batch.noise[one], batch.timesteps[one], batch.reference[one], batch.motion_pixels[one],
        batch.face_region[one], tuple(level[:, one] for level in batch.masks), batch.windows[one], 1,
    )  # fmt: skip


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


def test_crops_lie_anywhere_where_lips_are_not_asked_for(tmp_path):
    side = 128
    tokens = sum((side // (8 << level)) ** 2 for level in range(4))
    one = record(0) | {
        FRAMES: torch.zeros(LENGTH, 3, side, side, dtype=torch.uint8),
        LATENTS: torch.arange(16.0).half().expand(LENGTH, 4, 16, 16).contiguous(),
        MASKS: torch.zeros(LENGTH, 3, tokens, dtype=torch.uint8),
    }
    write_shard([one], tmp_path / "clips-0.safetensors")
    batch = stage(RecordShards(tmp_path), crop_px=64, lip_crop_ratio=0.0).batch(range(64))
    lefts = batch.latents[:, 0, 0, 0, 0]
    assert lefts.min() == 0 and lefts.max() == 8


def test_clips_that_are_not_numbers_are_refused(tmp_path):
    broken = record(0)
    broken[LATENTS][:, 0, 0, 0] = float("nan")
    write_shard([broken], tmp_path / "clips-0.safetensors")
    with pytest.raises(SettingsError, match="not numbers"):
        stage(RecordShards(tmp_path)).batch(range(1))


def test_a_few_samples_in_a_row_have_timesteps_spread_over_the_schedule():
    for first in (0, 7, 123_456):
        steps = sorted(spread_timestep(number) for number in range(first, first + 13))
        gaps = [after - before for before, after in zip([-1, *steps], [*steps, TRAINING_STEPS], strict=True)]
        assert 0 <= steps[0] and steps[-1] < TRAINING_STEPS and max(gaps) < 3 * TRAINING_STEPS / 14


def test_clips_that_are_too_short_are_refused(clips):
    with pytest.raises(SettingsError, match=f"has {LENGTH} frames; a sample takes 8 and 2"):
        replaced = JointStage(models(), models().vae, JointStageSettings("", "", "", frames=8), clips, clips, 0)
        replaced.batch(range(1))
