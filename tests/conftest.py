"""Settings of all tests, and how `make test` divides them among its workers."""

import logging
import re

import pytest
import torch
from hypothesis import settings

# Tiny networks gain nothing from threads, and lose a lot where other work keeps the cores busy.
torch.set_num_threads(1)

# No test is timed: how long one example takes says what else the machine is doing.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


@pytest.fixture(autouse=True)
def log_level():
    """`hallo2 train` and `hallo2 prepare` lower the level for their process; the tests after them keep theirs."""
    logger = logging.getLogger("hallo2")
    before = logger.level
    yield
    logger.setLevel(before)


def pytest_collection_modifyitems(items):
    """Tests in a host run version by version, and those in its editor first: it asks for pictures of what has run."""
    items.sort(key=lambda item: (host_version(item.nodeid), "in_browser" not in item.fixturenames))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """With --dist loadfile: a worker gets all tests of a file, or all of a host version. It keeps one host at a time:
    divided by files alone, every file would start both versions anew."""
    if config.getvalue("dist") != "loadfile":
        return None
    from xdist.scheduler import LoadFileScheduling

    class ByHostOrFile(LoadFileScheduling):
        def _split_scope(self, nodeid):
            return host_version(nodeid) or super()._split_scope(nodeid)

    return ByHostOrFile(config, log)


def host_version(nodeid: str) -> str:
    """Empty if the test needs no host."""
    found = re.search(r"tests/host/.*\[(v[\d.]+)", nodeid)
    return found[1] if found else ""
