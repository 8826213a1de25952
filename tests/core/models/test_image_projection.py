import torch
import torch.nn.functional as F
from tiny import CONFIG, normal, shared_models

PROJECTION = CONFIG.image_projection


@torch.no_grad()
def test_nobodys_face_tokens_are_the_norm_of_the_bias():
    """Quirk 16: an identity of zeros does not give tokens of zeros."""
    ours = shared_models().image_projection
    bias = ours.proj.bias.reshape(PROJECTION.tokens, PROJECTION.token_width)
    by_hand = F.layer_norm(bias, (PROJECTION.token_width,), ours.norm.weight, ours.norm.bias)
    torch.testing.assert_close(ours(torch.zeros(1, 512))[0], by_hand)
    assert by_hand.abs().max() > 0.1


@torch.no_grad()
def test_each_identity_has_its_own_tokens():
    ours, identities = shared_models().image_projection, normal(1, 3, PROJECTION.embedding_width)
    torch.testing.assert_close(ours(identities)[1:2], ours(identities[1:2]))
