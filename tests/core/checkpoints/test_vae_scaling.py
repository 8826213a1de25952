import json

import pytest

from hallo2_core.checkpoints.vae_scaling import check_latent_scaling
from hallo2_core.errors import CheckpointError


@pytest.mark.parametrize("config", [{"scaling_factor": 0.18215}, {"act_fn": "silu"}], ids=["named", "old"])
def test_sd1s_own_configuration_is_accepted(tmp_path, config, caplog):
    caplog.set_level("INFO", "hallo2")
    (tmp_path / "config.json").write_text(json.dumps(config))
    check_latent_scaling(tmp_path / "vae.safetensors")
    assert not caplog.messages


def test_sdxls_is_refused_by_name(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps({"scaling_factor": 0.13025}))
    with pytest.raises(CheckpointError, match=r"scaling_factor 0.13025, like SDXL's, instead of 0.18215"):
        check_latent_scaling(tmp_path / "vae.safetensors")


@pytest.mark.parametrize("text", [None, "no json", "[1]"])
def test_where_nothing_tells_the_log_says_what_was_looked_at(tmp_path, text, caplog):
    caplog.set_level("INFO", "hallo2")
    if text is not None:
        (tmp_path / "config.json").write_text(text)
    check_latent_scaling(tmp_path / "vae.safetensors")
    assert "by its keys" in caplog.text
