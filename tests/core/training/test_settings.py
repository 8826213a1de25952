import math

import pytest

from hallo2_core.errors import SettingsError
from hallo2_core.training.denoiser_objective import ObjectiveSettings
from hallo2_core.training.settings import TrainSettings, lr_factor


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"optimizer": "sgd"}, "optimizer is 'sgd'; choose one of adamw, "),
        ({"validation_steps": 0}, "validation_steps is 0; choose 1 or more"),
        ({"learning_rate": -1e-4}, "learning_rate is -0.0001; choose 0 or more"),
        ({"max_grad_norm": math.nan}, "max_grad_norm is nan; choose 0 or more"),
        ({"lr_warmup_steps": -1}, "lr_warmup_steps is -1; choose 0 or more"),
        ({"adam_beta2": 1.0}, "adam_beta2 is 1.0; choose 0 to less than 1"),
        ({"ema_decay": 1.0}, "ema_decay is 1.0; choose 0 to less than 1"),
        ({"train_batch_size": 4, "gradient_accumulation_steps": 3}, "choose a batch that the passes divide evenly"),
    ],
)
def test_what_no_run_can_have_is_refused(wrong, said):
    with pytest.raises(SettingsError, match=said):
        TrainSettings("output", **wrong)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"noise_schedule": "cosine"}, "noise_schedule is 'cosine'; choose one of sampled, released"),
        ({"lip_weight": -1.0}, "lip_weight is -1.0; choose 0 or more"),
    ],
)
def test_what_no_objective_can_have_is_refused(wrong, said):
    with pytest.raises(SettingsError, match=said):
        ObjectiveSettings(**wrong)


def test_rates_rise_stay_and_fall():
    settings = TrainSettings(
        "output", max_train_steps=100, lr_scheduler="linear", lr_warmup_steps=10, lr_decay_steps=20
    )  # fmt: skip
    factors = [lr_factor(step, settings) for step in (0, 9, 50, 90, 99)]
    assert factors == pytest.approx([0.1, 1.0, 1.0, 0.5, 0.05])
