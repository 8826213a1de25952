"""Downloads from a server on this machine that misbehaves in every way we know of."""

import errno
import hashlib
import os
import sys
from dataclasses import replace

import pytest
import torch
from file_server import Behavior, serving
from safetensors.torch import save

from hallo2_core.checkpoints.catalogue import CATALOGUE, Purpose
from hallo2_core.downloads import plan as planning
from hallo2_core.downloads.fetch import Patience, download_all, fetch
from hallo2_core.downloads.plan import Download
from hallo2_core.errors import Cancelled, DownloadError
from hallo2_core.jobs.lock import JobLock
from hallo2_core.runtime import LocalRuntime

HURRIED = Patience(attempts=3, first_wait_seconds=0, timeout_seconds=5)
CONTENT = save({"wav2vec2.feature_extractor.conv_layers.0.conv.weight": 1 + torch.arange(900_000.0)})  # 3.6 MB
DIGEST = hashlib.sha256(CONTENT).hexdigest()
KNOWN = replace(
    next(known for known in CATALOGUE if known.folder == "audio_encoders"), size_bytes=len(CONTENT), sha256=DIGEST
)
UNKNOWN_HASH = replace(KNOWN, sha256="")
MEGABYTE = 2**20


class Watched(LocalRuntime):
    """Keeps what it is told. cancels_at: bytes."""

    def __init__(self, cancels_at=None):
        super().__init__()
        self.seen, self.said, self.cancels_at = [], [], cancels_at

    def progress(self, done, total, preview=None):
        self.seen.append((done, total))

    def notify(self, text):
        self.said.append(text)

    def check_cancelled(self):
        if self.cancels_at is not None and self.seen and self.seen[-1][0] >= self.cancels_at:
            raise Cancelled


@pytest.fixture
def download(tmp_path):
    return Download(KNOWN, tmp_path / "audio_encoders" / KNOWN.name)


def get(download, behavior, runtime=None, patience=HURRIED):
    with serving(behavior) as address:
        return fetch(download, address, runtime or Watched(), patience)


def leave_part(download, content):
    download.work_folder.mkdir(parents=True, exist_ok=True)
    download.part.write_bytes(content)


def test_a_file_arrives_whole_and_nothing_else_stays(download):
    runtime, behavior = Watched(), Behavior(CONTENT)
    fetched = get(download, behavior, runtime)
    assert download.path.read_bytes() == CONTENT
    assert list(download.path.parent.iterdir()) == [download.path]
    assert (fetched.path, fetched.size_bytes, fetched.sha256) == (download.path, len(CONTENT), DIGEST)
    assert "as known" in str(fetched)
    assert behavior.requests == [(f"/{KNOWN.repository}/resolve/{KNOWN.revision}/{KNOWN.path}", "")]
    done = [done for done, _total in runtime.seen]
    assert done == sorted(done) and runtime.seen[-1] == (len(CONTENT), len(CONTENT)) and len(done) > 2


def test_cut_connections_are_continued(download):
    behavior = Behavior(CONTENT, cuts=[1000, MEGABYTE, 0, 5])
    get(download, behavior)
    assert download.path.read_bytes() == CONTENT
    arrived = [0, 1000, 1000 + MEGABYTE, 1000 + MEGABYTE, 1005 + MEGABYTE]
    assert behavior.ranges == [f"bytes={start}-" if start else "" for start in arrived]


def test_connections_that_bring_nothing_end_it_and_the_next_run_continues(download):
    behavior = Behavior(CONTENT, cuts=[MEGABYTE, 0, 0, 0])
    with pytest.raises(DownloadError, match="the connection was cut.* 1,048,576 bytes are kept.* to continue"):
        get(download, behavior)
    assert not download.path.exists() and download.part.read_bytes() == CONTENT[:MEGABYTE]
    assert download.missing_bytes == len(CONTENT) - MEGABYTE
    after = Behavior(CONTENT)
    get(download, after)
    assert after.ranges == [f"bytes={MEGABYTE}-"] and download.path.read_bytes() == CONTENT


def test_a_stalled_connection_is_replaced(download):
    stalling = replace(HURRIED, timeout_seconds=0.5)
    behavior = Behavior(CONTENT, stalls_after=MEGABYTE)
    get(download, behavior, patience=stalling)
    assert behavior.ranges == ["", *(f"bytes={megabytes * MEGABYTE}-" for megabytes in (1, 2, 3))]
    assert download.path.read_bytes() == CONTENT
    with pytest.raises(DownloadError, match="the server sent nothing for too long"):
        get(replace(download, path=download.path.with_name("again")), Behavior(CONTENT, stalls_after=0), None, stalling)


def test_no_server(download):
    with pytest.raises(DownloadError, match="could not be downloaded from http://127.0.0.1:9/"):
        fetch(download, "http://127.0.0.1:9", Watched(), HURRIED)


def test_a_server_without_ranges_starts_over_and_still_finishes(download):
    behavior = Behavior(CONTENT, cuts=[2 * MEGABYTE], has_ranges=False)
    get(download, behavior)
    assert download.path.read_bytes() == CONTENT and len(behavior.requests) == 2


def test_a_server_that_does_not_say_the_length(download):
    get(download, Behavior(CONTENT, says_length=False))
    assert download.path.read_bytes() == CONTENT


def test_a_cut_that_only_the_hash_shows(download):
    with pytest.raises(DownloadError, match="SHA-256"):
        get(download, Behavior(CONTENT, cuts=[MEGABYTE], says_length=False))
    assert not download.path.exists() and not download.part.exists()


def test_what_an_earlier_run_finished_is_only_checked(download):
    leave_part(download, CONTENT)
    behavior = Behavior(CONTENT)
    get(download, behavior)
    assert behavior.ranges == [f"bytes={len(CONTENT)}-"] and download.path.read_bytes() == CONTENT


@pytest.mark.parametrize("left", [b"other" * 1000, bytes(len(CONTENT) + 7), bytes(len(CONTENT))])
def test_leftovers_that_do_not_fit_are_replaced(download, left):
    leave_part(download, left)
    get(download, Behavior(CONTENT))
    assert download.path.read_bytes() == CONTENT


def test_another_file_than_the_known_one_is_refused(download):
    other = save({"wav2vec2.feature_extractor.conv_layers.0.conv.weight": torch.ones(900_000)})
    with pytest.raises(DownloadError, match=f"should be {DIGEST}: .* It was deleted"):
        get(download, Behavior(other))
    assert not download.path.exists() and not download.part.exists()


def test_the_servers_hash_counts_where_none_is_known(tmp_path):
    download = Download(UNKNOWN_HASH, tmp_path / KNOWN.name)
    behavior = Behavior(CONTENT, redirects=True, linked_etag="0" * 64)
    with pytest.raises(DownloadError, match="should be 0000"):
        get(download, behavior)
    fetched = get(download, Behavior(CONTENT, redirects=True, linked_etag=DIGEST))
    assert "as the server states" in str(fetched)


def test_without_any_hash_the_report_says_so(tmp_path):
    fetched = get(Download(UNKNOWN_HASH, tmp_path / KNOWN.name), Behavior(CONTENT))
    assert "not verified" in str(fetched) and fetched.sha256 == DIGEST


def test_weights_of_another_kind_are_refused(tmp_path):
    vae = save({"encoder.down.0.block.0.conv1.weight": torch.ones(900_000), "decoder.up.0.x": torch.ones(9)})
    download = Download(UNKNOWN_HASH, tmp_path / KNOWN.name)
    with pytest.raises(DownloadError, match="seems to be a VAE"):
        get(download, Behavior(vae))
    assert not download.path.exists()


def test_redirects_are_followed_and_keep_the_range(download):
    leave_part(download, CONTENT[:MEGABYTE])
    behavior = Behavior(CONTENT, redirects=True)
    get(download, behavior)
    assert behavior.ranges == [f"bytes={MEGABYTE}-"] and download.path.read_bytes() == CONTENT


def test_a_circle_of_redirects_ends(download):
    with pytest.raises(DownloadError, match="302"):
        get(download, Behavior(CONTENT, redirects=True, redirect_to="/round"))


def test_a_redirect_to_a_file_of_this_machine_is_refused(download):
    with pytest.raises(DownloadError):
        get(download, Behavior(CONTENT, redirects=True, redirect_to="file:///etc/hostname"))
    assert not download.path.exists()


@pytest.mark.parametrize(("media_type", "content", "message"), [
    ("text/html; charset=utf-8", CONTENT, "is a web page, not wav2vec2"),
    ("application/octet-stream", b"<!doctype html><p>Log in", "24 bytes, but .* has about"),
    ("application/json", b'{"error": "Repository not found"}', "it is another file, or an error message"),
])  # fmt: skip
def test_a_page_instead_of_the_file_is_refused_before_it_is_written(download, media_type, content, message):
    leave_part(download, CONTENT[:MEGABYTE])
    with pytest.raises(DownloadError, match=message):
        get(download, Behavior(content, media_type=media_type, has_ranges=False))
    assert not download.path.exists() and download.part.read_bytes() == CONTENT[:MEGABYTE]


def test_a_page_of_the_right_size_is_refused(tmp_path):
    page = b"<!doctype html>" + b" " * (len(CONTENT) - 15)
    with pytest.raises(DownloadError, match="is a web page"):
        get(Download(UNKNOWN_HASH, tmp_path / KNOWN.name), Behavior(page))


@pytest.mark.parametrize(("status", "message"), [
    (401, "refuses access"), (403, "refuses access .* use a mirror"), (404, "does not have"), (451, "451"),
])  # fmt: skip
def test_refusals_end_it_at_once(download, status, message):
    behavior = Behavior(CONTENT, statuses=[status] * 2)
    with pytest.raises(DownloadError, match=message):
        get(download, behavior)
    assert len(behavior.requests) == 1


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_busy_server_is_asked_again(download, status):
    get(download, Behavior(CONTENT, statuses=[status] * 2))
    assert download.path.read_bytes() == CONTENT
    with pytest.raises(DownloadError, match=f"answered {status}"):
        get(replace(download, path=download.path.with_name("again")), Behavior(CONTENT, statuses=[status] * 9))


def test_cancel_keeps_what_arrived(download):
    with pytest.raises(Cancelled):
        get(download, Behavior(CONTENT), Watched(cancels_at=MEGABYTE))
    kept = download.part.read_bytes()
    assert not download.path.exists() and MEGABYTE <= len(kept) < len(CONTENT) and CONTENT.startswith(kept)
    behavior = Behavior(CONTENT)
    get(download, behavior)
    assert behavior.ranges == [f"bytes={len(kept)}-"] and download.path.read_bytes() == CONTENT


def test_a_disk_without_room_is_found_before_the_first_byte(download, monkeypatch):
    monkeypatch.setattr(planning.shutil, "disk_usage", lambda _folder: FullDisk)
    with pytest.raises(DownloadError, match="has 0.00 GB free, but the download needs 0.20 GB"):
        get(download, Behavior(CONTENT))
    assert not download.part.exists()


class FullDisk:
    free = 1000


@pytest.mark.skipif(sys.platform != "linux", reason="/dev/full is Linux's")
def test_a_disk_that_fills_up_keeps_what_arrived(download):
    download.work_folder.mkdir(parents=True)
    download.part.symlink_to("/dev/full")  # every write fails as on a full disk
    with pytest.raises(DownloadError, match="is full. What arrived of .* is kept: make room and run it again") as error:
        get(download, Behavior(CONTENT))
    assert error.value.__cause__.errno == errno.ENOSPC
    assert download.part.is_symlink() and not download.path.exists()


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_may_not_be_written_to(download):
    download.path.parent.mkdir(parents=True)
    download.path.parent.chmod(0o500)
    with pytest.raises(DownloadError, match="cannot be written to"):
        get(download, Behavior(CONTENT))


def test_two_runs_do_not_write_one_file(download):
    with JobLock(download.work_folder), pytest.raises(DownloadError, match="downloaded by another run"):
        get(download, Behavior(CONTENT))


def test_a_damaged_file_is_replaced_but_kept(download):
    download.path.parent.mkdir(parents=True)
    download.path.write_bytes(b"damaged")
    runtime = Watched()
    get(replace(download, replaces=download.path), Behavior(CONTENT), runtime)
    kept = download.path.with_name(f"{KNOWN.name}.damaged")
    assert download.path.read_bytes() == CONTENT and kept.read_bytes() == b"damaged"
    assert any(str(kept) in text for text in runtime.said)


def test_several_files_arrive_one_after_another(tmp_path):
    downloads = tuple(Download(KNOWN, tmp_path / name) for name in ("a", "b"))
    finished, runtime = [], Watched()
    with serving(Behavior(CONTENT)) as address:
        done = download_all(downloads, address, runtime, finished.append, HURRIED)
    assert done == finished and [one.path for one in done] == [tmp_path / "a", tmp_path / "b"]
    assert any(text.startswith("2 of 2: wav2vec2") for text in runtime.said)


def test_a_cancel_between_files_stops(tmp_path):
    runtime = Watched(cancels_at=len(CONTENT))
    with serving(Behavior(CONTENT)) as address, pytest.raises(Cancelled):
        download_all(
            (Download(KNOWN, tmp_path / "a"), Download(KNOWN, tmp_path / "b")), address, runtime, patience=HURRIED
        )
    assert not (tmp_path / "b").exists()


def test_purposes_are_all_in_the_catalogue():
    assert {known.purpose for known in CATALOGUE} == set(Purpose)
