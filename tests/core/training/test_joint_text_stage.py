"""Joint training with prompts, on tiny networks and made-up clips."""

from dataclasses import replace

import pytest
import torch
from clips_on_script import TEXT, prompted_clips, text_encoder
from tiny import models

from hallo2_core.checkpoints.networks import PREFIXES
from hallo2_core.checkpoints.read import read_tensors
from hallo2_core.checkpoints.text_control import load_text_adapter, new_text_adapter
from hallo2_core.config import TextControlConfig
from hallo2_core.errors import SettingsError
from hallo2_core.training.denoiser_objective import ObjectiveSettings
from hallo2_core.training.export import adapter_beside, export_stage
from hallo2_core.training.fresh_weights import fill_with_fresh_weights
from hallo2_core.training.joint_objective import JointObjective
from hallo2_core.training.joint_stage import JointStage, JointStageSettings
from hallo2_core.training.joint_text_stage import JointTextStage, JointTextStageSettings
from hallo2_core.training.small_networks import FULL_PRECISION
from hallo2_core.training.text_objective import TextObjective
from hallo2_core.training.text_stage import TextStage, TextStageSettings


@pytest.fixture
def stage(tmp_path):
    clips, made = prompted_clips(tmp_path / "clips"), models()
    fill_with_fresh_weights(made, 0)
    torch.manual_seed(1)
    with torch.no_grad():
        for parameter in made.denoising_unet.parameters():
            parameter.add_(0.05 * torch.randn(parameter.shape))
    unet = made.config.unet
    config = TextControlConfig(unet.block_widths, unet.layers_per_block, TEXT.text_width, 16)
    joint_settings = JointStageSettings("", "", "", frames=4, uncond_ratio=0.4)
    joint = JointStage(JointObjective(made, made.vae, ObjectiveSettings()), joint_settings, clips, clips, seed=0)
    network = TextObjective(joint.network, new_text_adapter(config).control, trains_model=True)
    text_settings = TextStageSettings("", "", "", "", "", frames=4)
    return JointTextStage(joint, TextStage(network, text_encoder(), text_settings, clips, clips, seed=0))


def test_it_learns_one_batch_with_model_and_adapter(stage):
    batch = stage.batch(range(3, 7))
    before = {name: value.clone() for name, value in stage.network.state_dict().items()}
    optimizer = torch.optim.AdamW([p for p in stage.network.parameters() if p.requires_grad], 2e-3)
    losses = []
    for _ in range(20):
        loss = stage.network(batch)["loss"]
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.8 * losses[0]
    changed = {name for name, value in stage.network.state_dict().items() if not torch.equal(value, before[name])}
    assert any(name.startswith("control.") for name in changed)
    assert any(name.startswith("model.denoising_unet.") for name in changed)
    assert not any(name.startswith("model.vae.") for name in changed)


def test_half_of_the_samples_have_no_prompt_and_only_these_lack_a_portrait(stage):
    batch = stage.batch(range(20))
    without_prompt = (batch.presence == 0).all(dim=1)
    assert int(without_prompt.sum()) == 10
    without_portrait = len(batch.presence) - batch.clips.seeing
    assert 0 < without_portrait < 10
    assert without_prompt[:without_portrait].all()


def test_prompts_stay_with_their_clips_when_a_batch_is_ordered(stage):
    whole, alone = stage.batch(range(20)), [stage.batch(range(number, number + 1)) for number in range(20)]
    for one in alone:
        [row] = [n for n, noise in enumerate(whole.clips.noise) if torch.equal(noise, one.clips.noise[0])]
        assert torch.equal(whole.embeddings[row], one.embeddings[0])
        assert torch.equal(whole.presence[row], one.presence[0])


def test_the_export_is_a_model_and_an_adapter(stage, tmp_path):
    with torch.no_grad():
        for parameter in stage.network.control.parameters():
            parameter.normal_(0, 0.2)
    path = tmp_path / "small.safetensors"
    export_stage(stage, path)
    assert {key.split(".")[0] + "." for key in read_tensors(path)} == set(PREFIXES.values())
    control = load_text_adapter(str(adapter_beside(path)), FULL_PRECISION).control
    for name, value in stage.network.control.state_dict().items():
        torch.testing.assert_close(control.state_dict()[name], value.half().float())


def test_two_models_lengths_or_vaes_in_one_batch_are_refused():
    joint = JointStageSettings("clips", "clips", "vae", frames=4, weights="model")
    text = TextStageSettings("clips", "clips", "vae", "model", "encoder", frames=4)
    JointTextStageSettings(joint, text)
    for other in ({"model": "another"}, {"vae": "another"}, {"frames": 6}, {"motion_frames": 3}):
        with pytest.raises(SettingsError, match=f"{next(iter(other))} of .joint_text.text"):
            JointTextStageSettings(joint, replace(text, **other))
