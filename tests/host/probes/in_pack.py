import sys
from importlib import import_module


def pack(module: str):
    """A module of the pack, which the host has imported under a name of its own."""
    root = next(
        name.removesuffix(".nodes.host.networks") for name in sys.modules if name.endswith(".nodes.host.networks")
    )
    return import_module(f"{root}.{module}")
