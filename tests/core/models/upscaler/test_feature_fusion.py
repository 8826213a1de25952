import torch
import torch.nn.functional as F

from hallo2_core.models.layers import Build
from hallo2_core.models.upscaler.feature_fusion import FeatureFusion


def test_given_features_scale_and_shift_the_drawn_ones_by_fidelity():
    torch.manual_seed(0)
    fusion = FeatureFusion(16, norm_groups=8, build=Build())
    given, drawn = torch.randn(1, 16, 6, 6), torch.randn(1, 16, 6, 6)
    merged = fusion.merge(torch.cat([given, drawn], dim=1))
    scale, shift = (branch[2](F.leaky_relu(branch[0](merged), 0.2)) for branch in (fusion.scale, fusion.shift))
    torch.testing.assert_close(fusion(given, drawn, fidelity=0.3), 0.3 * (drawn * scale + shift) + drawn)
    torch.testing.assert_close(fusion(given, drawn, fidelity=0.0), drawn)
