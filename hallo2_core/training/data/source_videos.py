"""The videos of a data set, with their sounds and captions, from a folder or a JSONL file."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path

from ...errors import SettingsError
from ...storage.json_text import parse_json
from .dataset_config import Dataset

VIDEO_ENDINGS = (".mp4", ".mov", ".m4v", ".mkv", ".webm", ".avi", ".ts", ".mpg", ".mpeg", ".flv", ".wmv")
KEY = re.compile(r".+-[0-9a-f]{10}")
LINE_KEYS = ("video_path", "caption", "audio_path")


@dataclass(frozen=True)
class SourceVideo:
    key: str  # of its files in the cache: unique in the data set
    name: str  # as the folder or the JSONL file has it
    video: Path
    sound: Path  # the video itself unless it has a separate sound
    caption: str

    def stamp(self) -> str:
        """Changes with the files and the caption, so that a changed video is prepared again. Files that are missing
        have a stamp too: that they are is found when they are read."""
        parts = [self.caption]
        for path in (self.video, self.sound):
            if path.is_file():
                state = path.stat()
                parts.append(f"{state.st_size} {state.st_mtime_ns}")
            else:
                parts.append("missing")
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]


def source_videos(dataset: Dataset) -> list[SourceVideo]:
    """In order of their names, or of the JSONL file's lines. Errors: SettingsError."""
    if dataset.video_jsonl_file:
        return _listed(Path(dataset.video_jsonl_file))
    return _in_folder(Path(dataset.video_directory), dataset.caption_extension)


def _in_folder(folder: Path, caption_extension: str) -> list[SourceVideo]:
    if not folder.is_dir():
        raise SettingsError(f"There is no folder {folder}. Check video_directory.")
    paths = sorted(path for path in folder.iterdir() if path.suffix.lower() in VIDEO_ENDINGS and path.is_file())
    if not paths:
        raise SettingsError(f"{folder} has no video ({', '.join(VIDEO_ENDINGS)}). Check video_directory.")
    return [_source(path.name, path, None, _caption_beside(path, caption_extension)) for path in paths]


def _caption_beside(video: Path, extension: str) -> str:
    path = video.with_suffix(extension)
    try:
        return " ".join(path.read_text(encoding="utf-8").split()) if path.is_file() else ""
    except UnicodeDecodeError as error:
        raise SettingsError(f"{path} is not UTF-8 text ({error.reason}). Save it as UTF-8.") from error


def _listed(path: Path) -> list[SourceVideo]:
    try:
        lines = path.read_text(encoding="utf-8").split("\n")  # JSON texts may hold the line ends of `splitlines`
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} cannot be read ({error}). Check video_jsonl_file.") from error
    found: dict[str, SourceVideo] = {}
    for number, line in enumerate(lines, start=1):
        if line.strip():
            video = _of_line(line, path, f"{path.name}, line {number}")
            if video.key in found:
                raise SettingsError(f"{path.name}, line {number} lists {video.name} again. Remove the line.")
            found[video.key] = video
    if not found:
        raise SettingsError(f"{path} lists no video. Check video_jsonl_file.")
    return list(found.values())


def _of_line(line: str, path: Path, where: str) -> SourceVideo:
    """Paths count from the JSONL file's folder."""
    try:
        entry = parse_json(line)
    except ValueError as error:
        raise SettingsError(f"{where} is not JSON ({error}). Correct it.") from error
    if not isinstance(entry, dict) or not entry.get("video_path"):
        raise SettingsError(f'{where} has no video_path. Write for example {{"video_path": "a.mp4"}}.')
    for key, value in entry.items():
        if key not in LINE_KEYS or not isinstance(value, str):
            raise SettingsError(f"{where} has {key!r}: {value!r}; expected text under {', '.join(LINE_KEYS)}.")
    sound = path.parent / entry["audio_path"] if entry.get("audio_path") else None
    return _source(entry["video_path"], path.parent / entry["video_path"], sound, entry.get("caption", ""))


def _source(name: str, video: Path, sound: Path | None, caption: str) -> SourceVideo:
    """The key holds a hash, because two folders may have a file of the same name."""
    digest = hashlib.blake2b(
        f"{name}|{sound.name if sound else ''}".encode(errors="surrogatepass"), digest_size=5
    ).hexdigest()
    stem = re.sub(r"[^A-Za-z0-9_.]+", "_", Path(name).stem)[:60]
    return SourceVideo(f"{stem}-{digest}", name, video, sound or video, caption)
