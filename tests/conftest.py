"""Settings of all tests, and how `make test` divides them among its workers."""

from pathlib import Path

import pytest
import torch
from hypothesis import settings

HERE = Path(__file__).parent

# Tiny networks gain nothing from threads, and lose a lot where other work keeps the cores busy.
torch.set_num_threads(1)

# No test is timed: how long one example takes says what else the machine is doing.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


@pytest.hookimpl(tryfirst=True)  # xdist reads the marks in the same hook
def pytest_collection_modifyitems(config, items):
    """Tests in a host run version by version, and those in its editor first: it asks for pictures of what has run.

    For --dist loadgroup: the tests of a host version go to one worker, and so do the tests of a file. A worker keeps
    one host at a time: divided by files alone, every file would start both versions anew.
    """
    items.sort(key=lambda item: (host_version(item), "in_browser" not in item.fixturenames))
    if config.pluginmanager.hasplugin("xdist"):
        for item in items:
            item.add_marker(pytest.mark.xdist_group(host_version(item) or item.path.relative_to(HERE).as_posix()))


def host_version(item: pytest.Item) -> str:
    """Empty if the test needs no host."""
    return item.callspec.params.get("checkout", "") if hasattr(item, "callspec") else ""
