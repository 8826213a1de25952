import json
import pickle
import struct
import sys
import zipfile
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from hallo2_core.checkpoints import read_whole
from hallo2_core.checkpoints.read import read_tensors
from hallo2_core.errors import CheckpointError

TENSORS = {
    "net.weight": torch.arange(6.0).reshape(2, 3).half(),
    "net.bias": torch.ones(2).half(),
    "other.steps": torch.tensor(7),
}


def assert_holds_tensors(weights, expected=TENSORS):
    assert set(weights) == set(expected) and len(weights) == len(expected)
    for key, tensor in expected.items():
        assert weights[key].dtype == tensor.dtype and torch.equal(weights[key], tensor)


def save_torch(content, path, zipped=True):
    torch.save(content, path, _use_new_zipfile_serialization=zipped)
    return path


@pytest.fixture
def safetensors_file(tmp_path):
    save_file(TENSORS, tmp_path / "net.safetensors", metadata={"format": "pt"})
    return tmp_path / "net.safetensors"


def test_messages_name_the_folder_of_a_relative_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CheckpointError, match=f"no file gone.pth in {tmp_path}"):
        read_tensors("gone.pth")


def test_reads_safetensors_and_its_metadata(safetensors_file):
    weights = read_tensors(safetensors_file)
    assert_holds_tensors(weights)
    assert weights.metadata == {"format": "pt"} and weights.is_mapped


@pytest.mark.parametrize("zipped", [True, False], ids=["new format", "format before PyTorch 1.6"])
def test_reads_torch_files_of_both_formats_and_maps_the_new_one(tmp_path, zipped):
    weights = read_tensors(save_torch(TENSORS, tmp_path / "net.pth", zipped))
    assert_holds_tensors(weights)
    assert weights.is_mapped == zipped


def mapped_files():
    """Paths of all files that this process has mapped."""
    return {line.split(maxsplit=5)[-1] for line in Path("/proc/self/maps").read_text().splitlines() if "/" in line}


@pytest.mark.skipif(sys.platform != "linux", reason="/proc tells what is mapped")
@pytest.mark.parametrize("use_mmap", [True, False])
def test_files_are_mapped_only_if_wanted_and_hold_the_same(tmp_path, use_mmap):
    every_dtype = TENSORS | {
        str(dtype): torch.arange(5).to(dtype) for dtype in (*read_whole.DTYPES.values(), torch.float32)
    }
    every_dtype |= {"empty": torch.empty(0, 3), "odd": torch.ones(3, dtype=torch.uint8), "last": torch.rand(7, 5)}
    paths = tmp_path / "net.safetensors", tmp_path / "net.pth"
    save_file(every_dtype, paths[0], metadata={"format": "pt"})
    torch.save(every_dtype, paths[1])
    for path in paths:
        weights = read_tensors(path, use_mmap=use_mmap)
        assert (str(path) in mapped_files()) == weights.is_mapped == use_mmap
        assert set(weights) == set(every_dtype)
        for key, tensor in every_dtype.items():
            assert weights[key].dtype == tensor.dtype and weights[key].shape == tensor.shape
            assert torch.equal(*(x.reshape(-1).view(torch.uint8) for x in (weights[key], tensor)))
    assert read_tensors(paths[0], use_mmap=use_mmap).metadata == {"format": "pt"}
    assert read_tensors(paths[0], "net.", use_mmap=use_mmap)["bias"].dtype == torch.float16


def test_not_being_mapped_by_wish_is_no_news(tmp_path, caplog):
    caplog.set_level("INFO", "hallo2")
    read_tensors(save_torch(TENSORS, tmp_path / "net.pth"), use_mmap=False)
    assert not caplog.messages


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 12]}, "12 bytes instead of 24"),
        ({"dtype": "F4", "shape": [24], "data_offsets": [0, 24]}, "unknown dtype F4"),
    ],
)
def test_a_list_of_tensors_that_does_not_fit_the_file_is_an_error_without_mapping_too(tmp_path, entry, message):
    header = json.dumps({"net.weight": entry}).encode()
    path = tmp_path / "net.safetensors"
    path.write_bytes(struct.pack("<Q", len(header)) + header + bytes(24))
    with pytest.raises(CheckpointError, match=f"damaged safetensors file .*{message}"):
        read_tensors(path, use_mmap=False)


def test_the_name_does_not_matter(tmp_path, safetensors_file):
    assert_holds_tensors(read_tensors(safetensors_file.rename(tmp_path / "net.pth")))
    for zipped in (True, False):
        assert_holds_tensors(read_tensors(save_torch(TENSORS, tmp_path / "net2.safetensors", zipped)))


@pytest.mark.parametrize(
    "wrap",
    [
        lambda x: {"state_dict": x, "epoch": 3},
        lambda x: {"params": {"net.weight": torch.zeros(1)}, "params_ema": x},
        lambda x: {"model": {"state_dict": x}},
        lambda x: {"state_dict": {f"module.{key}": tensor for key, tensor in x.items()}},
        lambda x: {f"_orig_mod.{key}": tensor for key, tensor in x.items()},
        lambda x: {f"module.{key}".replace("net.", "net._orig_mod."): tensor for key, tensor in x.items()},
        lambda x: {**x, "global_step": 12},
    ],
    ids=["state_dict", "params_ema before params", "nested", "module prefix", "compiled", "part compiled", "numbers"],
)
def test_takes_wrappers_off(tmp_path, wrap):
    assert_holds_tensors(read_tensors(save_torch(wrap(TENSORS), tmp_path / "net.pth")))


@pytest.mark.parametrize("use_mmap", [True, False])
def test_wrapped_models_saved_as_safetensors_are_read_too(tmp_path, use_mmap):
    save_file({f"module._orig_mod.{key}": tensor for key, tensor in TENSORS.items()}, tmp_path / "net.safetensors")
    assert_holds_tensors(read_tensors(tmp_path / "net.safetensors", use_mmap=use_mmap))


def test_prefix_selects_and_is_cut_off(safetensors_file):
    below = read_tensors(safetensors_file, "net.")
    assert below.shapes == {"weight": (2, 3), "bias": (2,)}
    with pytest.raises(CheckpointError, match="net.safetensors has no 'vae.' weights; its keys look like"):
        read_tensors(safetensors_file, "vae.")


def test_dtype_is_the_one_most_numbers_have(tmp_path):
    path = tmp_path / "mixed.safetensors"
    save_file({"a": torch.zeros(100).bfloat16(), "b": torch.zeros(10), "c": torch.zeros(5000).long()}, path)
    assert read_tensors(path).dtype == torch.bfloat16


def test_take_converts_floating_tensors_only_and_may_be_asked_again(safetensors_file):
    weights = read_tensors(safetensors_file)
    for _ in range(2):
        assert torch.equal(weights.take("net.weight", torch.float32), TENSORS["net.weight"].float())
    assert weights.take("other.steps", torch.float32).dtype == torch.int64
    assert weights.take("net.bias", torch.float16).data_ptr() == weights["net.bias"].data_ptr()


def test_pages_given_back_come_from_the_file_again(tmp_path):
    """Dropping pages must never lose data: tensors much larger than a page, converted twice, neighbours between."""
    tensors = {f"t{i}": torch.randn(300, 1001).half() for i in range(4)}
    save_file(tensors, tmp_path / "a.safetensors")
    save_torch(tensors, tmp_path / "a.pth")
    for name in ("a.safetensors", "a.pth"):
        weights = read_tensors(tmp_path / name)
        for _ in range(2):
            for key, tensor in tensors.items():
                assert torch.equal(weights.take(key, torch.float32), tensor.float())
        assert_holds_tensors(weights, tensors)


class RunsCode:
    def __reduce__(self):
        return (print, ("this must never be printed",))


def test_code_in_a_pickle_is_never_run(tmp_path, capsys):
    for zipped in (True, False):
        path = save_torch({"weight": torch.zeros(2), "x": RunsCode()}, tmp_path / "evil.pth", zipped)
        with pytest.raises(
            CheckpointError, match="evil.pth contains Python objects besides tensors .*print.*safetensors"
        ):
            read_tensors(path)
    (tmp_path / "plain.pth").write_bytes(pickle.dumps(RunsCode(), protocol=2))
    with pytest.raises(CheckpointError, match="plain.pth"):
        read_tensors(tmp_path / "plain.pth")
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", r"is empty \(0 bytes\).*Download it again"),
        (b"<!DOCTYPE html><html>Access denied</html>", "is a web page.*Download it again"),
        (b"\xef\xbb\xbf\n <html>", "is a web page"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 48\n", "git-lfs pointer.*git lfs pull"),
        (b'{"error": "Invalid username or password."}', "JSON text"),
        (b"GGUF\x03\x00\x00\x00", "GGUF"),
        (b"\x1f\x8b\x08\x00", "gzip.*Unpack"),
        (bytes(4096), "starts with zeros only"),
        (b"\x89PNG\r\n\x1a\n" + bytes(100), "neither a safetensors file nor a PyTorch file: it starts with 89 50"),
        (b"PK\x03\x04" + b"x" * 500, "starts like a PyTorch file, but ends early.*incomplete"),
        (b"\x80\x02garbage", "starts like a PyTorch file but cannot be read.*Download it again"),
        (struct.pack("<Q", 20) + b'{"a": not json at al', "list of tensors is unreadable.*damaged"),
        (struct.pack("<Q", 5000) + b'{"a": {', "is cut off"),
        (struct.pack("<Q", 2) + b"{}", "file without tensors"),
    ],
    ids=lambda value: value[:24] if isinstance(value, str) else "",
)
def test_what_is_not_weights_is_named(tmp_path, content, message):
    path = tmp_path / "net.pth"
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=f"(?s)net.pth.*{message}|net.pth {message}"):
        read_tensors(path)


def test_missing_file_and_folder(tmp_path):
    with pytest.raises(CheckpointError, match="There is no file net.pth in .*Put it there"):
        read_tensors(tmp_path / "net.pth")
    with pytest.raises(CheckpointError, match="is a folder"):
        read_tensors(tmp_path)


def test_truncated_files_at_any_length(tmp_path, safetensors_file):
    torch_file = save_torch(TENSORS, tmp_path / "net.pth")
    old_file = save_torch(TENSORS, tmp_path / "old.pth", zipped=False)
    for path in (safetensors_file, torch_file, old_file):
        whole = path.read_bytes()
        for kept in range(0, len(whole) - 1, max(1, len(whole) // 40)):
            path.write_bytes(whole[:kept])
            with pytest.raises(CheckpointError, match=path.name):
                read_tensors(path)


def test_archives_without_tensors(tmp_path):
    path = tmp_path / "net.pth"
    for member, message in (("readme.txt", "zip archive without PyTorch tensors"), ("constants.pkl", "TorchScript")):
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr(f"net/{member}", b"")
        with pytest.raises(CheckpointError, match=message):
            read_tensors(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([torch.zeros(2)], "contains a list"),
        ({"epoch": 3}, "contains no tensors .found: epoch"),
        ({}, "found: nothing"),
    ],
    ids=["list", "no tensors", "nothing"],
)
def test_pickles_without_named_tensors(tmp_path, content, message):
    with pytest.raises(CheckpointError, match=message):
        read_tensors(save_torch(content, tmp_path / "net.pth"))


@pytest.mark.parametrize("use_mmap", [True, False])
@pytest.mark.parametrize(
    "header",
    [
        '{"a": {"dtype": "F32", "shape": [2, 2], "data_offsets": [0, "16"]}}',
        '{"a": {"dtype": "F32", "shape": [2, 2], "data_offsets": [8, 24]}}',
        '{"a": {"dtype": "F32", "shape": [-1], "data_offsets": [0, 4]}}',
        '{"a": {"dtype": "F32", "shape": [100000, 1000000], "data_offsets": [0, 24]}}',
        '{"a": {"dtype": "F32", "shape": [6], "data_offsets": [0, 24]}, "__metadata__": {"b": 1}}',
        '{"a":' * 100_000,
    ],
    ids=lambda text: text[:70],
)
def test_a_list_of_tensors_that_cannot_be_is_refused_before_memory_is_taken(tmp_path, header, use_mmap):
    path = tmp_path / "net.safetensors"
    path.write_bytes(struct.pack("<Q", len(header)) + header.encode() + bytes(24))
    with pytest.raises(CheckpointError, match="Download it again"):
        read_tensors(path, use_mmap=use_mmap)


def test_empty_tensors_may_lie_anywhere(tmp_path):
    path = tmp_path / "net.safetensors"
    save_file({"a": torch.ones(2), "b": torch.zeros(0), "c": torch.zeros(3, 0), "d": torch.ones(1)}, path)
    for use_mmap in (True, False):
        assert read_tensors(path, use_mmap=use_mmap).shapes == {"a": (2,), "b": (0,), "c": (3, 0), "d": (1,)}


def test_a_zip_that_would_unpack_to_more_than_itself_is_refused(tmp_path):
    path = tmp_path / "net.pth"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("net/data.pkl", bytes(10_000_000))
    with pytest.raises(CheckpointError, match="would unpack to 10.0 MB"):
        read_tensors(path)


def test_a_damaged_zip_directory_is_a_damaged_file(tmp_path):
    path = tmp_path / "net.pth"
    save_torch(TENSORS, path)
    content = path.read_bytes()
    path.write_bytes(content.replace(b"PK\x01\x02", b"PK\x01\x03"))
    with pytest.raises(CheckpointError, match="is damaged"):
        read_tensors(path)
