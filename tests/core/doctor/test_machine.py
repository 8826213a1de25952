from collections import namedtuple

import pytest
import torch

from hallo2_core.doctor import machine
from hallo2_core.doctor.finding import State
from hallo2_core.doctor.machine import device_findings, disk_findings

GIB = machine.GIBIBYTE
Memory = namedtuple("Memory", "available total")
Disk = namedtuple("Disk", "free")
CARD = torch.device("cuda")


@pytest.fixture
def roomy(monkeypatch):
    monkeypatch.setattr(machine.psutil, "virtual_memory", lambda: Memory(32 * GIB, 64 * GIB))


@pytest.mark.parametrize(
    ("free", "total", "remedy"), [(20, 24, ""), (5, 24, "Close other programs"), (5, 6, "choose a smaller size")]
)
def test_a_card_by_its_memory(monkeypatch, roomy, free, total, remedy):
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda _device: (free * GIB, total * GIB))
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda _device: "Card 9000")
    card, _memory = device_findings(CARD)
    assert f"Card 9000, {free}.0 of {total}.0 GiB free" in card.text and remedy in card.remedy
    assert card.state is (State.NOTE if remedy else State.GOOD)


@pytest.mark.parametrize(
    ("built_for", "has_driver", "state", "remedy"),
    [
        (None, False, State.NOTE, ""),
        (None, True, State.PROBLEM, "Install a build of torch with CUDA"),
        ("12.8", True, State.PROBLEM, "NVIDIA driver"),
    ],
)
def test_a_cpu_where_there_could_be_a_card(monkeypatch, roomy, built_for, has_driver, state, remedy):
    monkeypatch.setattr(torch.version, "cuda", built_for)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(machine.shutil, "which", lambda _name: "/usr/bin/nvidia-smi" if has_driver else None)
    cpu, _memory = device_findings(torch.device("cpu"))
    assert cpu.state is state and remedy in cpu.remedy


def test_little_main_memory_is_noted(monkeypatch):
    monkeypatch.setattr(machine.psutil, "virtual_memory", lambda: Memory(3 * GIB, 8 * GIB))
    memory = list(device_findings(torch.device("cpu")))[-1]
    assert memory.state is State.NOTE and "3.0 of 8.0 GiB" in memory.text and memory.remedy


def test_disks(monkeypatch, tmp_path):
    monkeypatch.setattr(machine.shutil, "disk_usage", lambda _folder: Disk(100e9))
    output, models = disk_findings(tmp_path / "not" / "made", tmp_path)
    assert output.state is State.GOOD and "100.0 GB free" in output.text and str(tmp_path) in models.text
    assert not (tmp_path / "not").exists()
    monkeypatch.setattr(machine.shutil, "disk_usage", lambda _folder: Disk(1e9))
    output, *_none = disk_findings(tmp_path, tmp_path / "none")
    assert output.state is State.NOTE and "Make room" in output.remedy and not _none


def test_an_output_folder_that_cannot_be_written_to(monkeypatch, tmp_path):
    monkeypatch.setattr(machine, "writing_problem", lambda _folder: "Read-only file system")
    output = next(disk_findings(tmp_path, tmp_path))
    assert output.state is State.PROBLEM and "Read-only file system" in output.text
