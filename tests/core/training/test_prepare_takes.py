import pytest
from seeded_models import seeded_speech_encoder
from tiny import models

from hallo2_core.errors import SettingsError
from hallo2_core.training.prepare_takes import prepare_takes


def test_takes_of_two_encoders_never_share_a_folder(tmp_path):
    vae, encoder = models().vae, seeded_speech_encoder()
    for _ in range(2):
        assert list(prepare_takes(tmp_path, "train", range(0), 1.0, 64, vae, encoder)) == []
    vae.encoder.conv_in.weight.data += 1.0
    with pytest.raises(SettingsError, match="prepared with vae_encoder"):
        prepare_takes(tmp_path, "train", range(0), 1.0, 64, vae, encoder)
