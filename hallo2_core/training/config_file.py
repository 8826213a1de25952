"""A training run's TOML file: the loop's keys at the top, the stage's in a table with its name.

output_dir = "output/training/vae"
max_train_steps = 5000

[vae]
frames = "output/training/pictures"
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass, replace
from pathlib import Path
from typing import Any, TypeVar, get_type_hints

from ..errors import MissingDependencyError, SettingsError

Settings = TypeVar("Settings")
KINDS = {"int": int, "float": (int, float), "str": str, "bool": bool}


def read_config(path: Path) -> dict[str, Any]:
    """Errors: SettingsError for a file that is missing or is not TOML."""
    try:
        return _toml_of(path.read_text(encoding="utf-8"), path)
    except OSError as error:
        raise SettingsError(f"{path} cannot be read ({error.strerror}). Choose a configuration file.") from error
    except UnicodeDecodeError as error:
        raise SettingsError(f"{path} is not UTF-8 text ({error.reason}). Save it as UTF-8.") from error
    except ValueError as error:  # a path that no file can have
        raise SettingsError(f"{str(path)!r} cannot be read ({error}). Choose a configuration file.") from error


def settings_from(
    kind: type[Settings], table: Mapping[str, Any], where: str, defaults: Settings | None = None
) -> Settings:
    """A settings dataclass from a table of the file; nested dataclasses from nested tables. What a nested table leaves
    out is as in the default of its field, which may differ from the defaults of its class.

    defaults: of the keys that the table leaves out; None: those of `kind`.
    Errors: SettingsError that names an unknown or missing key, or a value of the wrong type.
    """
    hints = get_type_hints(kind)
    nested = {field.name: field.default_factory() for field in fields(kind) if field.default_factory is not MISSING}
    names = [field.name for field in fields(kind)]
    unknown = [key for key in table if key not in names]
    if unknown:
        raise SettingsError(f"{where} has the unknown key '{unknown[0]}'. Its keys are: {', '.join(names)}.")
    values = {key: _value(hints[key], value, f"{where}: {key}", nested.get(key)) for key, value in table.items()}
    try:
        return kind(**values) if defaults is None else replace(defaults, **values)
    except TypeError as error:
        raise SettingsError(f"{where} is incomplete ({error}). Add what is missing.") from error


def _value(kind: Any, value: Any, where: str, defaults: Any) -> Any:  # noqa: ANN401
    if is_dataclass(kind):
        if not isinstance(value, Mapping):
            raise SettingsError(f"{where} is {value!r}; expected a table.")
        return settings_from(kind, value, where, defaults)
    expected = KINDS[kind.__name__]
    is_wrong_bool = isinstance(value, bool) and kind is not bool
    if is_wrong_bool or not isinstance(value, expected):
        raise SettingsError(f"{where} is {value!r}; expected {kind.__name__}.")
    try:
        return kind(value)
    except OverflowError as error:
        raise SettingsError(f"{where} is {value}, which is too large.") from error


def _toml_of(text: str, path: Path) -> dict[str, Any]:
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        try:
            import tomli as tomllib
        except ImportError as error:
            raise MissingDependencyError.of_extra(
                "A training configuration on Python 3.10", "tomli", "train", error
            ) from error
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{path} is not TOML ({error}). Correct that line.") from error
    except (RecursionError, ValueError) as error:  # too deep, or a number of thousands of digits
        raise SettingsError(f"{path} cannot be read ({error}). Write a shorter table or number.") from error
