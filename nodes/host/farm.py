"""Lists of videos for a farm: the folders that their names reach, and the host's progress and cancel while it works."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import folder_paths

from ...hallo2_core.errors import JobError, SettingsError
from . import files
from .editor import show_text
from .runtime import HostRuntime

if TYPE_CHECKING:
    from ...hallo2_core.farm.events import Event
    from ...hallo2_core.farm.orders import Order

FARM_FOLDER = "hallo2_farm"  # in the host's output folder
STORAGE = "HALLO2_FARM_STORAGE"  # in the host's environment: a folder or address that all machines of the farm see
VAE_FOLDER = "vae"  # the host's own
WEIGHTS_FOLDERS = {  # of options that name weights
    "model": files.MODEL_FOLDER,
    "few_step": files.MODEL_FOLDER,
    "text_adapter": files.MODEL_FOLDER,
    "lora": files.LORA_FOLDER,
    "vae": VAE_FOLDER,
    "speech_encoder": files.SPEECH_ENCODER_FOLDER,
}
LISTS = (".jsonl", ".csv")
PERCENT = 100


def farm_orders(jobs: str, weights: Mapping[str, str]) -> list[Order]:
    """The list's videos, with places that workers can reach. weights: of the videos that name none themselves.

    Errors: SettingsError, naming every wrong line, before anything starts.
    """
    from ...hallo2_core.cli.farm import checked
    from ...hallo2_core.farm.orders import refuse

    chosen = {name: file for name, file in weights.items() if file != files.DEMO}
    orders, wrong = [], []
    for order in _listed(jobs):
        try:
            orders.append(checked(replace(order, options={**chosen, **order.options}), _place))
        except SettingsError as error:
            wrong.append(f"line {order.line}: {error}")
    refuse("The list", wrong)
    for order in orders:
        _make_folder(order.out)
    return orders


def inputs_stamp(jobs: str | None) -> str:
    """Changes with the list and with the files that it names. jobs: None if another node makes it."""
    from ...hallo2_core.farm.remote import is_remote
    from ...hallo2_core.farm.storage import inside

    stamps = []
    try:
        for order in _listed(jobs or ""):
            for value in order.options.values():
                path = inside(_readable(), value) if isinstance(value, str) and value else ""
                if path and not is_remote(path) and os.path.isfile(path):
                    stamps.append(f"{path} {os.stat(path).st_size} {os.stat(path).st_mtime_ns}")
    except SettingsError:  # the run says what is wrong
        return ""
    return "\n".join(stamps)


def made(orders: Sequence[Order], node_id: str) -> Mapping[int, Event]:
    """How the videos ended, all of them well, by line. Cancel stops those under way; their finished clips stay.

    Errors: JobError, naming the videos that did not end well.
    """
    from ...hallo2_core.farm.report import progress_lines, share_done, unfinished
    from ...hallo2_core.farm.submit import followed

    runtime = HostRuntime(node_id=node_id)
    runtime.free_memory()  # a worker may compute on this machine's card
    shown = ("", 0)
    with closing(followed(orders)) as states:
        for latest in states:
            runtime.check_cancelled()
            text = "\n".join(progress_lines(orders, latest))
            percent = max(shown[1], int(PERCENT * share_done(orders, latest)))
            if (text, percent) != shown:
                shown = text, percent
                show_text(node_id, text)
                runtime.progress(percent, PERCENT * len(orders))
    if wrong := unfinished(orders, latest):
        raise JobError(
            f"{len(wrong)} of {len(orders)} videos were not made: {'; '.join(wrong)}. The others are finished. Correct "
            f"what is named and run again: finished videos are found, and stopped ones continue."
        )
    return latest


def local_copies(places: Sequence[str]) -> list[Path]:
    """Finished videos as files; those at an address are copied into the host's output folder."""
    from ...hallo2_core.farm.storage import fetched

    return [fetched(place, _output()) for place in places]


def _listed(jobs: str) -> list[Order]:
    """jobs: the list, or the name of a file with it."""
    from ...hallo2_core.farm.orders import orders_in, read_orders
    from ...hallo2_core.farm.remote import downloaded, is_remote
    from ...hallo2_core.farm.storage import inside

    text = jobs.strip()
    if "\n" in text or not text.lower().endswith(LISTS):
        return orders_in(text, is_csv=not text.startswith(("{", "[")), source="The list")
    place = inside(_readable(), text)
    if is_remote(place):
        place = downloaded(place, Path(folder_paths.get_temp_directory()) / FARM_FOLDER)
    return read_orders(Path(place))


def _place(option: str, name: str) -> str:
    """Weights are in the host's model folders or the storage, all else in the storage, or in the host's input and
    output folders if there is none."""
    from ...hallo2_core.farm.storage import inside

    if option == "job":
        raise SettingsError("the option 'job' is not available here: unfinished work is kept beside 'out'. Remove it")
    if option == "out":
        return inside(os.environ.get(STORAGE) or str(_output()), name)
    if option in WEIGHTS_FOLDERS and (file := files.find_file(WEIGHTS_FOLDERS[option], name)):
        return str(file)
    return inside(_readable(), name)


def _readable() -> str:
    return os.environ.get(STORAGE) or folder_paths.get_input_directory()


def _output() -> Path:
    folder = Path(folder_paths.get_output_directory()) / FARM_FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _make_folder(out: str) -> None:
    from ...hallo2_core.farm.remote import is_remote

    if not is_remote(out):
        Path(out).parent.mkdir(parents=True, exist_ok=True)
