"""Gradient checkpointing: the same numbers from less memory; and single pictures, as stage 1 trains on them."""

import pytest
import torch
from tiny import UNET, denoising_inputs, models, normal

from hallo2_core.models.running import directly, recomputed

FRAMES, SIDE = 3, 16


def networks():
    made = models()
    return made.reference_net.requires_grad_(True), made.denoising_unet.requires_grad_(True)


def prediction(reference, unet, run):
    clip = denoising_inputs(FRAMES, height=SIDE, width=SIDE)
    tokens = normal(7, 2, 4, UNET.face_token_width)
    conditions = unet.batch_conditions(
        reference(normal(8, 1, 4, SIDE, SIDE), tokens[:1], run),
        reference(normal(9, 2, 4, SIDE, SIDE), tokens, run),
        clip.face_tokens[1:],
        clip.face_map,
        clip.audio_tokens[None],
        tuple(torch.ones(3, 1, (SIDE >> level) ** 2) for level in range(4)),
        clip.weights[:, None],
    )
    return unet(clip.noisy[:FRAMES], torch.tensor([500]), conditions, run)


def kept_bytes(run):
    """What autograd keeps of a forward pass for the backward pass."""
    seen = {}

    def keep(tensor):
        seen[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    nets = networks()
    weights = {p.untyped_storage().data_ptr() for net in nets for p in net.parameters()}
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        out = prediction(*nets, run)  # alive, so that no address is used twice
    return out, sum(size for address, size in seen.items() if address not in weights)


def test_recomputed_layers_give_the_same_bits_and_gradients():
    results = []
    for run in (directly, recomputed):
        nets = networks()
        out = prediction(*nets, run)
        out.square().sum().backward()
        results.append((out, [p.grad for net in nets for p in net.parameters() if p.grad is not None]))
    (out, gradients), (again, others) = results
    assert torch.equal(out, again)
    assert len(gradients) == len(others)
    assert all(torch.equal(one, other) for one, other in zip(gradients, others, strict=True))


def test_recomputed_layers_keep_less():
    _, kept = kept_bytes(directly)
    _, kept_recomputed = kept_bytes(recomputed)
    assert kept_recomputed < 0.4 * kept


@pytest.mark.parametrize("sees", [0, 1, 2])
def test_a_picture_is_a_clip_of_one_frame_whose_audio_and_motion_modules_add_nothing(sees):
    reference, unet = networks()
    with torch.no_grad():
        for name, parameter in unet.named_parameters():
            if (".audio_modules." in name or ".motion_modules." in name) and ".proj_out." in name:
                parameter.zero_()
        tokens, face_map = normal(1, 2, 4, UNET.face_token_width), normal(2, 2, UNET.block_widths[0], SIDE, SIDE)
        banks = reference(normal(3, sees, 4, SIDE, SIDE), tokens[2 - sees :]) if sees else None
        noisy, times = normal(4, 2, 4, SIDE, SIDE), torch.tensor([900, 100])
        clip = unet.batch_conditions(
            banks,
            reference(normal(5, 4, 4, SIDE, SIDE), normal(6, 4, 4, UNET.face_token_width)),
            tokens,
            face_map,
            normal(7, 2, 1, 6, UNET.audio_token_width),
            tuple(torch.ones(3, 2, (SIDE >> level) ** 2) for level in range(4)),
            torch.ones(3, 2, 1),
        )
        alone = unet(noisy, times, unet.picture_conditions(banks, tokens, face_map))
        torch.testing.assert_close(alone, unet(noisy, times, clip), atol=1e-5, rtol=1e-4)
