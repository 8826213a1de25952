"""The host's model folders, and the files in them that loaders offer."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import folder_paths
from comfy.cli_args import args

from ...hallo2_core.errors import SettingsError

if TYPE_CHECKING:
    from ...hallo2_core.checkpoints.catalogue import KnownFile

DEMO = "demo"  # offered by every loader besides files: ships with the pack, no download
DEMO_FEW_STEP = "demo few-step"  # the demo model's few-step LoRA
ZERO = "zero"  # an adapter that changes nothing, made at run time
MODEL_FOLDER = "hallo2"
TEXT_CONTROL_FOLDER = "text_control"  # below it
FEW_STEP_FOLDER = "few_step"  # below it
FACE_FOLDER = "hallo2/face_analysis"
VOCALS_FOLDER = "hallo2/audio_separator"
MODEL_EXTENSIONS = {".safetensors", ".pth", ".pt"}
SPEECH_ENCODER_FOLDER = "audio_encoders"  # the host's own
LORA_FOLDER = "loras"  # the host's own


def register_model_folder() -> None:
    """Register models/hallo2 with the host, in addition to paths from extra_model_paths.yaml.

    The yaml is read before packs are loaded, and unknown keys get no extensions, so the host treats every file as a
    model.
    """
    listed, _extensions = folder_paths.folder_names_and_paths.get(MODEL_FOLDER, ([], set()))
    own = str(Path(folder_paths.models_dir) / MODEL_FOLDER)
    places = listed if own in listed else [*listed, own]
    folder_paths.folder_names_and_paths[MODEL_FOLDER] = (places, MODEL_EXTENSIONS)


def model_files(folder: str, released: str) -> list[str]:
    """The choices of a loader, the default first: the released file if it is there, else the demo. The host caches the
    listing until a folder changes."""
    listed = folder_paths.get_filename_list(folder)
    first = [name for name in listed if Path(name).stem == Path(released).stem]
    return [*first, DEMO, *(name for name in listed if name not in first)]


def network_files(released: str) -> list[str]:
    """The choices of the loaders with files directly in models/hallo2."""
    others = TEXT_CONTROL_FOLDER, FEW_STEP_FOLDER
    return [name for name in model_files(MODEL_FOLDER, released) if Path(name).parts[0] not in others]


def text_control_files() -> list[str]:
    """The adapters, by their names below models/hallo2."""
    files = folder_paths.get_filename_list(MODEL_FOLDER)
    return [ZERO, DEMO, *(name for name in files if Path(name).parts[0] == TEXT_CONTROL_FOLDER)]


def lora_files() -> list[str]:
    """All of the host's LoRAs, whose names do not tell which are for Hallo2; then the few-step ones."""
    few_step = folder_paths.get_filename_list(MODEL_FOLDER)
    return [
        *folder_paths.get_filename_list(LORA_FOLDER),
        *(name for name in few_step if Path(name).parts[0] == FEW_STEP_FOLDER),
        DEMO_FEW_STEP,
    ]


def lora_folder(name: str | None) -> str:
    """The kind of folder of one of the `lora_files`. name: with the separators of any system; None: of another node."""
    return MODEL_FOLDER if name and name.replace("\\", "/").startswith(f"{FEW_STEP_FOLDER}/") else LORA_FOLDER


def find_file(folder: str, name: str) -> Path | None:
    """name: as on this system, or with Windows' separators, as in graphs that were saved there."""
    for spelled in dict.fromkeys((name, name.replace("\\", "/"))):
        if found := folder_paths.get_full_path(folder, spelled):
            return Path(found)
    return None


def found_file(folder: str, name: str) -> Path:
    """As `find_file`, for a name that was not checked before, because another node made it. Errors: SettingsError."""
    if path := find_file(folder, name):
        return path
    places = " and ".join(folder_paths.get_folder_paths(folder))
    raise SettingsError(f"There is no file '{name}' in {places}. Put it there, or choose another name.")


def use_mmap() -> bool:
    """Whether weights may be memory-mapped: not if ComfyUI was started with --disable-mmap."""
    return not args.disable_mmap


def missing_files(folder: str, names: list[str], places: list[Path], advice: str) -> str:
    """The message about files in a graph that do not exist."""
    looked = " and ".join(map(str, places))
    return f"Not in models/{folder}: {', '.join(names)} (looked in {looked}). {advice}"


def check_file(folder: str, name: str | None, advice: str) -> bool | str:
    """For validate_inputs: True, or the message. name: None if another node makes it; it is checked when it is there.
    advice: what to do about a missing file."""
    if name is None:
        return True
    places = [Path(place) for place in folder_paths.get_folder_paths(folder)]
    return True if name == DEMO or find_file(folder, name) else missing_files(folder, [name], places, advice)


def face_file_folders() -> list[Path]:
    """Folders of the released ONNX files: ours, and those of packs that use insightface."""
    ours = [Path(place) / "face_analysis" for place in folder_paths.get_folder_paths(MODEL_FOLDER)]
    return [*ours, Path(folder_paths.models_dir) / "insightface" / "models" / "antelopev2"]


def find_face_file(name: str) -> Path | None:
    return next((folder / name for folder in face_file_folders() if (folder / name).is_file()), None)


def vocal_file_folders() -> list[Path]:
    """Folders of the networks that separate vocals, named as in the release."""
    return [Path(place) / "audio_separator" for place in folder_paths.get_folder_paths(MODEL_FOLDER)]


def vocal_files(usual: str) -> list[str]:
    """The choices of the node that separates vocals; the usual file comes first, whether it is there or not."""
    found = {path.name for folder in vocal_file_folders() for path in folder.glob("*.onnx")}
    return [usual, *sorted(found - {usual})]


def find_vocal_file(name: str) -> Path | None:
    """name: of a file directly in one of the folders."""
    return next((path for folder in vocal_file_folders() for path in folder.glob("*.onnx") if path.name == name), None)


def fingerprint(folder: str, name: str | None) -> str:
    """Changes with the file, so that a replaced file is loaded again. name: None if another node makes it."""
    path = None if name is None else find_file(folder, name)
    if path is None:
        return name or ""
    status = path.stat()
    return f"{path} {status.st_size} {status.st_mtime_ns}"


class HostFolders:
    """The core's `ModelFolders`: all of the host's folders, those of extra_model_paths.yaml included."""

    def find(self, known: KnownFile) -> Path | None:
        if known.folder == FACE_FOLDER:
            return next(filter(None, map(find_face_file, known.names)), None)
        listed = folder_paths.get_filename_list(known.folder)
        names = (file for name in known.names for file in listed if Path(file).name == name)
        return next((find_file(known.folder, name) for name in names), None)

    def target(self, known: KnownFile) -> Path:
        """In the host's first folder of the kind."""
        kind, *below = Path(known.folder).parts
        return Path(folder_paths.get_folder_paths(kind)[0], *below)
