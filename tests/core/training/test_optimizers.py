"""The optimizers by name, on a small regression."""

import sys

import pytest
import torch
from torch import nn

from hallo2_core.errors import MissingDependencyError, SettingsError
from hallo2_core.training.optimizers import optimizers_for
from hallo2_core.training.settings import TrainSettings


def network():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(64, 64), nn.Linear(64, 64))


def built(made, name):
    settings = TrainSettings("", optimizer=name, learning_rate=1e-2)
    return optimizers_for(dict(made.named_parameters()), lambda key, _: key.startswith("0."), settings)


def step(made, optimizers):
    x = torch.randn(32, 64, generator=torch.Generator().manual_seed(1))
    loss = (made(x) - x).square().mean()
    loss.backward()
    for optimizer in optimizers:
        optimizer.step()
        optimizer.zero_grad()
    return loss.item()


@pytest.mark.parametrize("name", ["adamw", "adamw8bit", "adafactor", "muon"])
def test_each_learns_and_continues_from_its_state(name, tmp_path):
    if name == "adamw8bit":
        pytest.importorskip("bitsandbytes")
    whole, stopped, resumed = network(), network(), network()
    optimizers = built(whole, name)
    losses = [step(whole, optimizers) for _ in range(20)]
    assert losses[-1] < 0.5 * losses[0]

    first = built(stopped, name)
    for _ in range(10):
        step(stopped, first)
    torch.save([optimizer.state_dict() for optimizer in first], tmp_path / "states.pt")
    resumed.load_state_dict(stopped.state_dict())
    second = built(resumed, name)
    for optimizer, state in zip(second, torch.load(tmp_path / "states.pt", weights_only=True), strict=True):
        optimizer.load_state_dict(state)
    assert [step(resumed, second) for _ in range(10)] == losses[10:]


def test_adafactor_keeps_a_row_and_a_column_of_a_matrix():
    made = network()
    (optimizer,) = built(made, "adafactor")
    step(made, [optimizer])
    kept = sum(x.numel() for x in optimizer.state[made[0].weight].values() if isinstance(x, torch.Tensor))
    assert kept <= 2 * 64 + 1


def test_muon_takes_the_matrices_that_it_may():
    made = network()
    muon, adam = built(made, "muon")
    assert [p is made[0].weight for group in muon.param_groups for p in group["params"]] == [True]
    assert len(adam.param_groups[0]["params"]) == 3


def test_8_bits_without_the_package_names_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "bitsandbytes.optim", None)
    with pytest.raises(MissingDependencyError, match="pip install bitsandbytes .*extra 'train-8bit'"):
        built(network(), "adamw8bit")


def test_another_name_is_refused():
    with pytest.raises(SettingsError, match="adafactor"):
        TrainSettings("", optimizer="lion")
