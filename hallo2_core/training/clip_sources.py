"""Clips to learn from: a folder of shards, or several data sets of a TOML file."""

from __future__ import annotations

from ..models.vae import AutoencoderKL
from .data.dataset_config import record_sources
from .data_settings import check_clips_fit
from .records import RecordShards


def clip_records_of(where: str, vae: AutoencoderKL) -> RecordShards:
    """where: a folder of clips, or the TOML file of data sets.  vae: the one that the run names.
    Errors: SettingsError if the clips are another VAE's, or the data sets differ."""
    sources = record_sources(where)
    check_clips_fit([source.folder for source in sources], vae)
    return RecordShards(*sources)
