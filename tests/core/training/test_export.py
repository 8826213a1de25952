import torch

from hallo2_core.checkpoints.text_control import load_text_adapter
from hallo2_core.config import TextControlConfig
from hallo2_core.models.layers import Build
from hallo2_core.models.text_control import TextControl
from hallo2_core.training.export import write_adapter

BUILD = Build(dtype=torch.float32)


def test_an_exported_gain_multiplies_what_prompts_do(tmp_path):
    torch.manual_seed(0)
    control = TextControl(TextControlConfig((32, 64), 1, text_width=8, hidden_width=4), BUILD)
    for parameter in control.parameters():
        torch.nn.init.normal_(parameter, 0, 0.2)
    embeddings, presence = torch.randn(3, 8), torch.tensor([0.0, 0.5, 1.0])
    write_adapter(control, tmp_path / "adapter.safetensors", gain=1.5)
    louder = load_text_adapter(str(tmp_path / "adapter.safetensors"), BUILD).control
    for path, layers in control(embeddings, presence).items():
        for trained, exported in zip(layers, louder(embeddings, presence)[path], strict=True):
            torch.testing.assert_close(exported.gamma, 1.5 * trained.gamma, atol=1e-2, rtol=1e-2)  # stored in float16
            torch.testing.assert_close(exported.beta, 1.5 * trained.beta, atol=1e-2, rtol=1e-2)
