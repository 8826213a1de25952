import torch
from torch import nn

from hallo2_core.runtime import LocalRuntime


def test_modules_are_brought_to_the_device_together():
    runtime, modules = LocalRuntime("meta"), (nn.Linear(2, 2), nn.Linear(2, 2))
    assert runtime.device == torch.device("meta")
    runtime.ready(*modules)
    assert {parameter.device.type for module in modules for parameter in module.parameters()} == {"meta"}


def test_nobody_cancels_and_nobody_watches():
    runtime = LocalRuntime()
    assert runtime.check_cancelled() is None and runtime.progress(1, 2, torch.zeros(2, 2, 3)) is None
