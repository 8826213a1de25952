import pytest
import torch

from hallo2_core.timeline.demo_encoder import DemoTextEncoder


def test_the_same_words_are_the_same_everywhere():
    """Jobs of the demo outlive runs, so the numbers are pinned."""
    embedded = DemoTextEncoder().embed(["smiling", "Smiling", "serious, slow nod", ";"])
    assert embedded.shape == (4, 768) and embedded.dtype == torch.float32
    assert torch.equal(embedded[0], embedded[1]) and not torch.allclose(embedded[0], embedded[2])
    assert embedded[0, :3].tolist() == pytest.approx([0.612185, -0.396846, -1.160924], abs=1e-5)
    assert 0.9 < float(embedded.std()) < 1.1
