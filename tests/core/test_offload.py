import math
import weakref

import pytest
import torch
from torch import nn

from hallo2_core.offload import Residents, bytes_of
from hallo2_core.runtime import DeviceMemory, LocalRuntime

MIB = 2**20


class Counted(nn.Module):
    """A network of so many MiB that notes where it is sent."""

    def __init__(self, mib):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(mib * MIB, dtype=torch.int8), requires_grad=False)
        self.moves = []

    def to(self, device):
        self.moves.append(str(device))
        return self


class Card:
    """In the place of a card: everything is where `Residents` believes it to be."""

    def __init__(self, mib):
        self.bytes = mib * MIB
        self.residents = Residents(torch.device("cuda"))

    def bring(self, *networks, working=0):
        self.residents.bring(networks, working * MIB, lambda: self.bytes - self.residents.bytes)


def test_where_all_fit_nothing_ever_leaves():
    card, first, second = Card(8), Counted(3), Counted(3)
    for network in (first, second, first, second):
        card.bring(network, working=2)
    assert first.moves[0] == second.moves[0] == "cuda" and "cpu" not in first.moves + second.moves
    assert card.residents.moved_away == 0 and card.residents.bytes == 6 * MIB


def test_the_least_recently_used_leave_until_the_next_fits_beside_the_work():
    card, (a, b, c, d) = Card(10), (Counted(2), Counted(3), Counted(2), Counted(4))
    for network in (a, b, c, a):
        card.bring(network)
    card.bring(d, working=2)  # 7 are taken and 6 wanted: b goes, the longest unused, and that is enough
    assert [network.moves[-1] for network in (a, b, c, d)] == ["cuda", "cpu", "cuda", "cuda"]
    card.bring(b)  # 8 are taken and 3 wanted: c goes, not a, which was used after it
    assert [network.moves[-1] for network in (a, b, c, d)] == ["cuda", "cuda", "cpu", "cuda"]
    assert card.residents.moved_away == 2


def test_networks_that_are_wanted_together_stay_together():
    card, a, b, c = Card(5), Counted(2), Counted(2), Counted(4)
    card.bring(a, b)
    card.bring(c)
    card.bring(a, b)
    assert [network.moves for network in (a, b, c)] == [["cuda", "cpu", "cuda"]] * 2 + [["cuda", "cpu"]]


def test_work_that_needs_the_room_sends_idle_networks_away_though_no_network_comes():
    card, a, b = Card(6), Counted(2), Counted(2)
    card.bring(a)
    card.bring(b)
    card.bring(b, working=3)
    assert a.moves == ["cuda", "cpu"] and "cpu" not in b.moves


def test_for_work_without_bound_all_others_leave_and_all_leave_when_told():
    card, a, b, c = Card(100), Counted(1), Counted(1), Counted(1)
    card.bring(a)
    card.bring(b)
    card.bring(c, working=math.inf)
    assert [network.moves[-1] for network in (a, b, c)] == ["cpu", "cpu", "cuda"]
    card.residents.send_all_away()
    assert c.moves[-1] == "cpu" and card.residents.bytes == 0


def test_where_nobody_knows_what_is_free_nothing_leaves():
    residents, a, b = Residents(torch.device("mps")), Counted(1), Counted(1)
    residents.bring([a], 0, lambda: None)
    residents.bring([b], 1e15, lambda: None)
    assert "cpu" not in a.moves + b.moves
    residents.bring([b], math.inf, lambda: None)  # after a shortage
    assert a.moves[-1] == "cpu"


def test_the_bytes_are_those_of_the_weights_as_stored():
    assert bytes_of(nn.Linear(3, 2, dtype=torch.float16)) == 2 * (3 * 2 + 2)


@pytest.fixture
def small_card():
    """A runtime whose device is the CPU and whose memory is told."""
    return LocalRuntime("cpu", budget_bytes=10 * MIB)


def test_a_runtime_with_a_budget_moves_idle_networks_and_says_so_once(small_card, caplog):
    caplog.set_level("INFO", "hallo2")
    small_card.working_bytes = 3 * MIB
    unet, reference_net, vae = Counted(5), Counted(4), Counted(1)
    for _ in range(2):
        small_card.ready(vae)
        small_card.ready(reference_net)
        small_card.ready(unet)
    assert reference_net.moves.count("cpu") == 2 and unet.moves.count("cpu") == 1
    assert small_card.memory() == DeviceMemory(10 * MIB, "one network")
    assert [message for message in caplog.messages if "wait on the CPU" in message] == caplog.messages[:1]
    assert len(caplog.messages) == 1


def test_a_runtime_that_is_let_go_lets_go_of_its_networks():
    """Without a garbage collection, which comes late for what is large."""
    runtime, network = LocalRuntime("cpu", budget_bytes=MIB), Counted(1)
    runtime.ready(network)
    gone = weakref.ref(network)
    del runtime, network
    assert gone() is None


def test_without_a_budget_a_processor_moves_nothing():
    runtime, networks = LocalRuntime(), [Counted(1) for _ in range(3)]
    runtime.working_bytes = 1e15
    for network in networks:
        runtime.ready(network)
    assert not any("cpu" in network.moves for network in networks)


def test_after_a_shortage_only_what_is_in_use_stays(small_card):
    a, b = Counted(1), Counted(1)
    small_card.ready(a)
    small_card.ready(b)
    small_card.free_memory()
    assert a.moves[-1] == b.moves[-1] == "cpu"
    small_card.ready(a)
    small_card.ready(b)
    assert a.moves.count("cpu") == 2


@pytest.fixture
def fake_cuda(monkeypatch):
    """A card of 100 MiB with nothing of torch's on it but what is set."""
    state = {"free": 100 * MIB, "reserved": 0, "allocated": 0}
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (state["free"], 100 * MIB))
    monkeypatch.setattr(torch.cuda, "memory_reserved", lambda device: state["reserved"])
    monkeypatch.setattr(torch.cuda, "memory_allocated", lambda device: state["allocated"])
    monkeypatch.setattr(torch.cuda, "empty_cache", lambda: None)
    return state


def test_on_a_card_what_torch_keeps_for_later_is_free_for_networks(fake_cuda):
    fake_cuda.update(free=2 * MIB, reserved=50 * MIB, allocated=10 * MIB)
    runtime, a, b = LocalRuntime("cuda"), Counted(1), Counted(1)
    runtime.working_bytes = 41 * MIB
    runtime.ready(a)
    runtime.ready(b)
    assert "cpu" not in a.moves
    runtime.working_bytes = 43 * MIB
    runtime.ready(b)
    assert a.moves[-1] == "cpu"


def test_while_a_second_thread_runs_a_network_none_is_moved_and_after_a_shortage_none_does(fake_cuda):
    runtime, a, b = LocalRuntime("cuda"), Counted(1), Counted(1)
    runtime.ready(a)
    assert runtime.has_room(5 * MIB)
    fake_cuda.update(free=0)
    runtime.working_bytes = 50 * MIB
    runtime.ready(b)
    assert "cpu" not in a.moves
    runtime.free_memory()
    fake_cuda.update(free=100 * MIB)
    assert a.moves[-1] == "cpu" and not runtime.has_room(5 * MIB)


def test_no_second_thread_where_networks_had_to_leave_or_the_budget_is_used_up(fake_cuda):
    fake_cuda.update(free=50 * MIB, reserved=20 * MIB, allocated=20 * MIB)
    assert LocalRuntime("cuda", 30 * MIB).has_room(10 * MIB) and not LocalRuntime("cuda", 30 * MIB).has_room(11 * MIB)
    runtime = LocalRuntime("cuda", 30 * MIB)
    runtime.working_bytes = 10 * MIB
    runtime.ready(Counted(1))
    runtime.ready(Counted(1))
    fake_cuda.update(free=100 * MIB, reserved=0)
    assert not runtime.has_room(1)
