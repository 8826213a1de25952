"""Training's batch of clips: each clip has the same result as alone, and gradients reach all weights."""

from dataclasses import replace

import pytest
import torch
from tiny import UNET, denoising_inputs, models, normal, shared_models

from hallo2_core.models.layers import Build, TimeEmbedding
from hallo2_core.payloads import ReferenceBanks

FRAMES = 3
TIMES = (999, 400, 17)
UNCONDITIONAL, CONDITIONAL = 0, 1


def videos(count=3):
    """Inputs under guidance, for different videos. Every frame looks at the conditional bank."""
    rows = [CONDITIONAL] * FRAMES
    return [replace(denoising_inputs(FRAMES, seed=1000 * number), rows=rows) for number in range(count)]


def batch_conditions(unet, inputs, halves):
    """One half of each video, the unconditional ones first."""
    pairs = list(zip(inputs, halves, strict=True))
    masks = tuple(
        torch.stack([torch.stack([getattr(clip.masks, region)[level] for clip in inputs]) for region in REGIONS])
        for level in range(len(UNET.block_widths))
    )
    return unet.batch_conditions(
        joined([clip.banks.rows([1]) for clip, half in pairs if half == CONDITIONAL]),
        joined([clip.motion_banks.rows(slice(2 * half, 2 * half + 2)) for clip, half in pairs]),
        torch.stack([clip.face_tokens[half] for clip, half in pairs]),
        torch.cat([clip.face_map * half for clip, half in pairs]),
        torch.stack([clip.audio_tokens * half for clip, half in pairs]),
        masks,
        torch.stack([clip.weights for clip in inputs], dim=1),
    )


REGIONS = ("pose", "face", "lip")


def joined(banks):
    if not banks:
        return None
    return ReferenceBanks(
        {
            path: tuple(torch.cat(layer) for layer in zip(*(bank.layers[path] for bank in banks), strict=True))
            for path in banks[0].layers
        }
    )


@pytest.mark.parametrize(
    "halves",
    [(1, 1, 1), (0, 1, 1), (0, 0, 1), (0, 0, 0)],
    ids=["all see their portrait", "one does not", "two do not", "none does"],
)
def test_a_batch_is_its_clips_one_by_one(halves):
    unet = shared_models().denoising_unet
    inputs = videos()
    with torch.inference_mode():
        noisy = torch.cat([clip.noisy[:FRAMES] for clip in inputs])
        got = unet(noisy, torch.tensor(TIMES), batch_conditions(unet, inputs, halves))
    for number, (clip, half, time) in enumerate(zip(inputs, halves, TIMES, strict=True)):
        alone = clip.run(unet, time)[half * FRAMES : (half + 1) * FRAMES]
        torch.testing.assert_close(got[number * FRAMES : (number + 1) * FRAMES], alone, atol=2e-5, rtol=1e-4)


def test_clips_of_a_batch_do_not_see_each_other():
    unet = shared_models().denoising_unet
    inputs = videos()
    others = [inputs[0], *videos(4)[2:]]
    noisy = [torch.cat([clip.noisy[:FRAMES] for clip in some]) for some in (inputs, others)]
    with torch.inference_mode():
        first, second = (
            unet(batch, torch.tensor(TIMES), batch_conditions(unet, some, (1, 1, 1)))
            for batch, some in zip(noisy, (inputs, others), strict=True)
        )
    torch.testing.assert_close(first[:FRAMES], second[:FRAMES], atol=2e-5, rtol=1e-4)
    assert (first[FRAMES:] - second[FRAMES:]).abs().max() > 0.01


def test_gradients_reach_every_weight_that_runs():
    """All but those that the original never runs either: quirks 1 and 15."""
    made = models()
    unet, reference = made.denoising_unet.requires_grad_(True), made.reference_net.requires_grad_(True)
    side = 16  # at 8 the middle block has one token, and attention to one token has no use for keys
    clip = denoising_inputs(FRAMES, height=side, width=side)
    tokens = normal(7, 2, 4, UNET.face_token_width)
    banks = reference(normal(8, 1, 4, side, side), tokens[:1])
    motion = reference(normal(9, 2, 4, side, side), tokens)
    conditions = unet.batch_conditions(
        banks,
        motion,
        clip.face_tokens[1:],
        clip.face_map,
        clip.audio_tokens[None],
        tuple(torch.ones(3, 1, (side >> level) ** 2) for level in range(4)),
        clip.weights[:, None],
    )
    unet(clip.noisy[:FRAMES], torch.tensor([500]), conditions).square().sum().backward()
    unreached = {
        f"{name}.{key}"
        for name, network in (("unet", unet), ("reference", reference))
        for key, parameter in network.named_parameters()
        if parameter.grad is None or not parameter.grad.any()
    }
    last = "reference.up_blocks.3.attentions.1."
    idle = ("unet.down_blocks.3.motion_modules.", "unet.up_blocks.0.motion_modules.", last)
    assert unreached and all(key.startswith(idle) for key in unreached), sorted(unreached)
    assert f"{last}norm.weight" not in unreached


def test_timesteps_of_a_batch_are_embedded_as_one_by_one():
    embedding = TimeEmbedding(32, Build())
    like = torch.zeros(1)
    together = embedding(torch.tensor(TIMES), like)
    alone = torch.cat([embedding(time, like) for time in TIMES])
    assert together.shape == (3, 128)
    torch.testing.assert_close(together, alone)
