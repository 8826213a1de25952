"""Text control on a tiny frozen model and made-up clips of drawn actors."""

from dataclasses import replace

import pytest
import torch
from clips_on_script import LENGTH, SIDE, TEXT, prompted_clips, record, text_encoder
from tiny import models, normal

from hallo2_core.checkpoints.text_control import new_text_adapter
from hallo2_core.config import TextControlConfig
from hallo2_core.errors import SettingsError
from hallo2_core.training import text_samples
from hallo2_core.training.clip_records import LATENTS, MOOD, SEED
from hallo2_core.training.data_settings import VAE_ENCODER, claim_folder
from hallo2_core.training.denoiser_objective import ObjectiveSettings
from hallo2_core.training.fresh_weights import fill_with_fresh_weights
from hallo2_core.training.joint_objective import JointObjective
from hallo2_core.training.records import RecordShards, write_shard
from hallo2_core.training.stages import text_stage
from hallo2_core.training.text_objective import TextObjective
from hallo2_core.training.text_prompts import MoodTimeline, window_of
from hallo2_core.training.text_samples import TextSamplingSettings
from hallo2_core.training.text_stage import TextStage, TextStageSettings


@pytest.fixture
def clips(tmp_path):
    return prompted_clips(tmp_path / "clips")


def stage(clips, takes=None, **settings):
    made = models()
    fill_with_fresh_weights(made, 0)
    torch.manual_seed(1)
    with torch.no_grad():
        for network in (made.denoising_unet, made.reference_net):
            for parameter in network.parameters():
                parameter.add_(0.05 * torch.randn(parameter.shape))
    unet = made.config.unet
    control = new_text_adapter(TextControlConfig(unet.block_widths, unet.layers_per_block, TEXT.text_width, 16)).control
    settings = TextStageSettings("", "", "", "", "", frames=4, **settings)
    model = JointObjective(made, made.vae, ObjectiveSettings(face_weight=4.0))
    return TextStage(TextObjective(model, control), text_encoder(), settings, clips, clips, seed=0, takes=takes)


def test_it_learns_one_batch_and_the_model_stays_as_it_is(clips):
    one = stage(clips)
    batch = one.batch(range(2))
    batch = replace(batch, clips=replace(batch.clips, timesteps=torch.tensor([900, 500])))
    before = {name: value.clone() for name, value in one.network.model.state_dict().items()}
    trained = [p for p in one.network.parameters() if p.requires_grad]
    assert len(trained) == len(list(one.network.control.parameters()))
    optimizer = torch.optim.AdamW(trained, 1e-2)
    losses = []
    for _ in range(25):
        loss = one.network(batch)["loss"]
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.9 * losses[0]
    after = one.network.model.state_dict()
    assert all(torch.equal(value, after[name]) for name, value in before.items())


def test_a_new_adapter_and_frames_without_a_prompt_change_no_bit(clips):
    one = stage(clips)
    batch = one.batch(range(2))
    noisy = normal(5, *batch.clips.latents.shape)
    with torch.no_grad():
        frozen = one.network.model.predicted(batch.clips, noisy)
        assert torch.equal(one.network.predicted(batch, noisy), frozen)
        for parameter in one.network.control.parameters():
            parameter.normal_(0, 0.2)
        silent = replace(batch, presence=torch.zeros_like(batch.presence))
        assert torch.equal(one.network.predicted(silent, noisy), frozen)
        assert not torch.allclose(one.network.predicted(batch, noisy), frozen, atol=1e-3)


def test_portraits_are_neutral_drawings_unless_a_frame_of_the_clip_is_asked_for(clips):
    drawn = stage(clips, own_portrait_ratio=0.0)
    neutral = {tuple(drawn._learned.portraits.of(10 * n)["latents"].float().flatten().tolist()) for n in range(3)}
    assert {tuple(x.flatten().tolist()) for x in drawn.batch(range(6)).clips.reference} <= neutral
    own = stage(clips, own_portrait_ratio=1.0).batch(range(6)).clips.reference
    stored = [clips.read(n, "latents", f).float() for n in range(3) for f in range(LENGTH)]
    assert all(any(torch.equal(one, other) for other in stored) for one in own)


def test_the_batch_does_not_depend_on_who_makes_it(clips):
    whole = stage(clips).batch(range(4))
    halves = [stage(clips).batch(range(2)), stage(clips).batch(range(2, 4))]
    assert torch.equal(whole.embeddings, torch.cat([half.embeddings for half in halves]))
    assert torch.equal(whole.clips.noise, torch.cat([half.clips.noise for half in halves]))
    assert torch.equal(whole.clips.motion_pixels, torch.cat([half.clips.motion_pixels for half in halves]))


def test_a_prompt_changes_while_the_face_does():
    """Asked at frame 50, the face has changed at frame 62.5; so has the prompt."""
    timeline = MoodTimeline.of(torch.tensor([1] * 50 + [2] * 50))
    assert timeline.changes == (50,)
    prompts = timeline.prompts(lambda mood: mood, text_encoder())
    window = window_of(prompts, 40, 40)
    assert torch.equal(window.presence, torch.ones(40))
    old, new = prompts.embeddings
    assert torch.allclose(window.embeddings[:10], old.expand(10, -1))
    assert torch.allclose(window.embeddings[23:], new.expand(17, -1))
    assert not torch.allclose(window.embeddings[16], old) and not torch.allclose(window.embeddings[16], new)


def test_clips_without_moods_are_refused(tmp_path):
    for lacking in (MOOD, SEED):
        with pytest.raises(SettingsError, match="do not say what their actors were asked to show"):
            stage(prompted_clips(tmp_path / lacking, **{lacking: True}))


def test_validation_reads_two_clips_of_every_mood(clips, monkeypatch):
    """A reader that always sees the second mood: a fifth of the first clips and of the second ones are right."""
    monkeypatch.setattr(text_samples, "expression_reader", lambda *_: Constant(2))
    sampling = TextSamplingSettings(actors=1, first_frame=0, frames=4, steps=2)
    with torch.no_grad():
        figures = stage(clips, sampling=sampling).validate()
    assert figures["gain"] == 0.0
    assert figures["recognized"] == figures["recognized_after_change"] == pytest.approx(0.2)
    assert 0 < figures["change_seconds"] <= 4 / 25


class Constant:
    def __init__(self, expression):
        self.expression = expression

    def read(self, frames):
        assert frames.shape[1:] == (SIDE, SIDE, 3)
        return torch.full((len(frames),), self.expression)


def test_takes_differ_in_nothing_but_their_moods(clips, tmp_path):
    takes = [record(10) | {LATENTS: normal(mood, LENGTH, 4, 8, 8).half()} for mood in range(5)]
    write_shard(takes, tmp_path / "takes" / "0.safetensors")
    one = stage(clips, takes=RecordShards(tmp_path / "takes"), takes_ratio=1.0)
    batch = one.batch(range(5, 10))
    for same in (batch.clips.noise, batch.clips.reference, batch.clips.motion_pixels, batch.clips.windows):
        assert torch.equal(same, same[:1].expand_as(same))
    assert len(set(batch.clips.timesteps.tolist())) == 1
    for differing in (batch.clips.latents, batch.embeddings):
        assert len({tuple(one.flatten().tolist()) for one in differing}) == 5


def test_clips_and_takes_of_another_vae_are_refused(tmp_path):
    """Before any clip is read."""
    claim_folder(tmp_path / "other", {VAE_ENCODER: "another's"})
    prompted_clips(tmp_path / "clips")
    table = {"clips": str(tmp_path / "clips"), "validation_clips": str(tmp_path / "clips")}
    table |= {"vae": "", "model": "", "text_encoder": ""}
    for key in ("clips", "validation_clips", "takes"):
        with pytest.raises(SettingsError, match="encoded by another VAE"):
            text_stage(table | {key: str(tmp_path / "other")}, 0, "text")
