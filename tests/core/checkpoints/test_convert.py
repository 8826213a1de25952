import subprocess
import sys

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from hallo2_core.checkpoints.convert import convert_to_safetensors
from hallo2_core.checkpoints.read import read_tensors
from hallo2_core.errors import CheckpointError

GENERATOR = torch.Generator().manual_seed(0)
TENSORS = {
    "a.half": torch.randn(33, 7, generator=GENERATOR).half(),
    "a.bfloat16": torch.randn(5, generator=GENERATOR).bfloat16(),
    "a.turned": torch.randn(6, 4, generator=GENERATOR).t(),
    "a.part": torch.randn(10, 10, generator=GENERATOR)[2:5, ::2],
    "b.scalar": torch.tensor(3.5),
    "b.none": torch.zeros(0, 4),
    "b.steps": torch.tensor([1, -2, 3]),
    "b.flags": torch.tensor([True, False, True]),
    "b.bytes": torch.arange(256, dtype=torch.uint8),
    "ünïcode": torch.ones(1).double(),
}


@pytest.mark.parametrize("zipped", [True, False], ids=["new format", "format before PyTorch 1.6"])
def test_every_tensor_is_carried_over_and_the_library_reads_it(tmp_path, zipped):
    torch.save({"params_ema": TENSORS, "params": {}}, tmp_path / "a.pth", _use_new_zipfile_serialization=zipped)
    convert_to_safetensors(tmp_path / "a.pth", tmp_path / "a.safetensors")
    with safe_open(tmp_path / "a.safetensors", framework="pt") as file:
        assert set(file.keys()) == set(TENSORS)
        assert file.metadata() == {"format": "pt", "converted_from": "a.pth", "content": "UNKNOWN"}
        for key, tensor in TENSORS.items():
            written = file.get_tensor(key)
            assert written.dtype == tensor.dtype and torch.equal(written, tensor), key
    assert read_tensors(tmp_path / "a.safetensors").shapes == {key: tuple(x.shape) for key, x in TENSORS.items()}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.pth", "a.safetensors"]


def test_the_numbers_begin_where_the_library_puts_them(tmp_path):
    """Byte for byte what safetensors itself would write for aligned float tensors, but for the header's metadata."""
    save_file({"weight": torch.ones(4, 4)}, tmp_path / "theirs.safetensors")
    torch.save({"weight": torch.ones(4, 4)}, tmp_path / "a.pth")
    convert_to_safetensors(tmp_path / "a.pth", tmp_path / "ours.safetensors")
    ours, theirs = ((tmp_path / f"{name}.safetensors").read_bytes() for name in ("ours", "theirs"))
    assert ours[-64:] == theirs[-64:] and (len(ours) - 64) % 8 == 0


def test_an_existing_file_is_never_overwritten(tmp_path):
    torch.save(TENSORS, tmp_path / "a.pth")
    (tmp_path / "a.safetensors").write_bytes(b"mine")
    with pytest.raises(CheckpointError, match="a.safetensors already exists and is not overwritten"):
        convert_to_safetensors(tmp_path / "a.pth", tmp_path / "a.safetensors")
    assert (tmp_path / "a.safetensors").read_bytes() == b"mine"


def test_a_failure_leaves_nothing(tmp_path):
    torch.save({"weight": torch.zeros(2, dtype=torch.complex64)}, tmp_path / "a.pth")
    with pytest.raises(CheckpointError, match="'weight' has dtype torch.complex64"):
        convert_to_safetensors(tmp_path / "a.pth", tmp_path / "a.safetensors")
    with pytest.raises(CheckpointError, match="There is no file b.pth"):
        convert_to_safetensors(tmp_path / "b.pth", tmp_path / "a.safetensors")
    with pytest.raises(CheckpointError, match="must end in .safetensors"):
        convert_to_safetensors(tmp_path / "a.pth", tmp_path / "b.pth")
    torch.save(TENSORS, tmp_path / "c.pth")
    with pytest.raises(CheckpointError, match="cannot be written"):
        convert_to_safetensors(tmp_path / "c.pth", tmp_path / "nowhere" / "a.safetensors")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.pth", "c.pth"]


MEASURE = """
import sys
from pathlib import Path
from hallo2_core.checkpoints.convert import convert_to_safetensors

def status(line):
    return next(int(row.split()[1]) * 1024 for row in open("/proc/self/status") if row.startswith(line))

Path("/proc/self/clear_refs").write_text("5")  # the peak starts again here
before = status("VmRSS")
convert_to_safetensors(Path(sys.argv[1]), Path(sys.argv[2]))
print(status("VmHWM") - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_memory_does_not_grow_with_the_file(tmp_path):
    torch.save({f"{number}.weight": torch.zeros(2_000_000) for number in range(25)}, tmp_path / "a.pth")
    run = [sys.executable, "-c", MEASURE, tmp_path / "a.pth", tmp_path / "a.safetensors"]
    done = subprocess.run(run, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "a.safetensors").stat().st_size > 200e6
    assert int(done.stdout) < 40e6
