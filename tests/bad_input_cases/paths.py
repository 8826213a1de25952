"""Where files are to be written, and job folders that are not what they seem."""

from __future__ import annotations

from .case import MEDIA, OUT, PORTRAIT, VOICE, Case, Place, animate, command, upscale


def file_at(*names: str):  # noqa: ANN201
    def prepare(place: Place) -> None:
        for name in names:
            path = place.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"not ours")

    return prepare


def folder_at(name: str):  # noqa: ANN201
    return lambda place: (place.folder / name).mkdir(parents=True)


REFUSED = {
    "talking.avi": "must end in .mp4",
    "talking": "must end in .mp4",
    ".mp4": "must end in .mp4",
    f"{'long' * 60}.mp4": "Choose a shorter name",
    "nul\0.mp4": "control character",
    "line\nbreak.mp4": "control character",
    "\x1b[31mred.mp4": "control character",
}
HANDLED = ("12:31.mp4", "-dash.mp4", "%d.mp4", "[a]{b}.mp4", "naïve 视频.mp4", "new/folder/talking.mp4", "TALKING.MP4")

CASES = [
    *(Case(f"--out {name[:30]!r}", animate(out=OUT + name), said) for name, said in REFUSED.items()),
    *(Case(f"--out {name}", animate(out=OUT + name), is_right=bool) for name in HANDLED),
    Case("--out is a folder", animate(), "exists already", prepare=folder_at("talking.mp4")),
    Case("--out exists", animate(), "is not overwritten", prepare=file_at("talking.mp4")),
    Case("--out below a file", animate(out=OUT + "file/talking.mp4"), "file", prepare=file_at("file")),
    Case("--out below what cannot be", animate(out="/proc/none/talking.mp4"), "/proc"),
    Case("--job is a file", animate(job=OUT + "job"), "job", prepare=file_at("job")),
    Case("--job with a journal that is none", animate(job=OUT + "job"), is_right=bool,
         prepare=file_at("job/journal.json")),
    Case("the job's folder is a file", animate(), "talking.mp4.hallo2", prepare=file_at("talking.mp4.hallo2")),
    Case("upscale: --out exists", upscale(), "is not overwritten", prepare=file_at("large.mp4")),
    Case("upscale: --out is the video", upscale(out=MEDIA + "plain.mp4"), "is not overwritten"),
    Case("upscale: --out below a file", upscale(out=OUT + "file/large.mp4"), "file", prepare=file_at("file")),
    Case("upscale: --out large.mkv", upscale(out=OUT + "large.mkv"), "must end in .mp4"),
    Case("inspect: --out is a file", command("inspect", MEDIA + "plain.mp4", out=OUT + "file"), "it is not a folder",
         prepare=file_at("file")),
    Case("evaluate: --out is a file", command("evaluate", MEDIA + "plain.mp4", out=OUT + "file"), "it is not a folder",
         prepare=file_at("file")),
    Case("jobs in what is no folder", command("jobs", jobs=OUT + "nowhere"), "There is no folder"),
    Case("jobs: clean without a choice", command("jobs", "--clean"), "Nothing to clean is selected"),
    Case("jobs: clean an unknown one", command("jobs", "../other", "--clean"), "../other"),
    Case("jobs: older than nan", command("jobs", "--clean", older_than="nan"), "nan"),
    Case("new-adapter over a file", command("new-adapter", OUT + "mine.safetensors"), "mine.safetensors",
         prepare=file_at("mine.safetensors")),
    Case("separate to an MP4", command("separate", audio=MEDIA + VOICE, model=MEDIA + "noise.bin", out=OUT + "a.mp4"),
         "must end in"),
    Case("the portrait's name has a colon", animate(portrait=MEDIA + "12:31.png"), is_right=bool),
    Case("the voice's name has a colon", animate(audio=MEDIA + "12:31.wav"), is_right=bool),
    Case("the portrait is a link to nowhere", animate(portrait=OUT + "link.png"), "There is no picture",
         prepare=lambda place: (place.folder / "link.png").symlink_to(place.folder / "nowhere.png")),
    Case("a name that acts on the terminal", animate(portrait=OUT + "\x1b[31mred\n.png"), r"\x1b[31mred\x0a.png"),
    Case("no portrait", animate(portrait=None), "--portrait"),
    Case("no audio", animate(audio=None), "--audio"),
    Case("no command", lambda place: command("")(place), "invalid choice"),
    Case("--out empty", animate(out=""), "must end in .mp4"),
    Case("--portrait empty", animate(portrait=""), "."),
    Case("a portrait for a voice and back", animate(audio=PORTRAIT, portrait=MEDIA + VOICE), "short.wav"),
]  # fmt: skip
