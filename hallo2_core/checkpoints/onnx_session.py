"""ONNX files, run by whichever build of onnxruntime is installed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..errors import CheckpointError, MissingDependencyError, SettingsError

PROVIDERS = {
    "cpu": "CPUExecutionProvider",
    "cuda": "CUDAExecutionProvider",
    "directml": "DmlExecutionProvider",
    "coreml": "CoreMLExecutionProvider",
}


def open_session(path: Path, provider: str, extra: str, otherwise: str) -> Any:  # noqa: ANN401 - may not be installed
    """An onnxruntime session. provider: a key of PROVIDERS.

    extra: of this package, which installs onnxruntime. otherwise: what to do without the file, as an infinitive phrase.
    Errors: MissingDependencyError, SettingsError, CheckpointError.
    """
    try:
        import onnxruntime
    except ImportError as error:
        raise MissingDependencyError.of_extra(path.name, "onnxruntime", extra, error, otherwise) from error
    available = onnxruntime.get_available_providers()
    if PROVIDERS.get(provider) not in available:
        usable = ", ".join(f"'{name}'" for name, full in PROVIDERS.items() if full in available)
        raise SettingsError(
            f"onnxruntime cannot run on '{provider}' here; choose one of {usable}, or install a build that can "
            f"(onnxruntime-gpu for 'cuda', onnxruntime-directml for 'directml')."
        )
    if not path.is_file():
        raise CheckpointError(f"There is no {path.name} in {path.parent}. Put it there, or {otherwise}.")
    try:
        providers = list(dict.fromkeys([PROVIDERS[provider], PROVIDERS["cpu"]]))
        return onnxruntime.InferenceSession(str(path), providers=providers)
    except Exception as error:  # onnxruntime has one exception class per kind of damage
        raise CheckpointError(
            f"onnxruntime cannot open {path.name}: {error}. Download the file again, or {otherwise}."
        ) from error
