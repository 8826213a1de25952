import pytest
import torch


@pytest.fixture(params=["missing", "unknown", "of another shape"])
def spoil(request):
    """A function that makes a state dict another network's, in place: in each of the ways that a check must notice."""

    def at(tensors, key):
        if request.param == "unknown":
            tensors[f"{key}.more"] = torch.zeros(1)
        elif request.param == "missing":
            del tensors[key]
        else:
            tensors[key] = torch.zeros(3, 5)

    return at
