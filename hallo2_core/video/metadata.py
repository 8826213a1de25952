"""What a video file says about how it was made: by an AI, with which settings and weights, from which workflow."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .. import __version__
from ..errors import SettingsError
from ..storage.json_text import parse_json
from .container import opened
from .source import VideoSource

FULL, MARK, NONE = "full", "mark", "none"
CHOICES = (FULL, MARK, NONE)
RECORD_TAG = "hallo2"
# IPTC's vocabulary "Digital Source Type", which says that trained networks made pictures, wholly or in part.
GENERATED = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
PARTLY_GENERATED = "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia"
# XMP specification, part 3: a packet in an MP4 file is a box of type uuid with this identifier.
XMP_BOX = bytes.fromhex("BE7ACFCB97A942E89C71999491E3AFAC")
XMP_PACKET = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about="" xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/">
   <Iptc4xmpExt:DigitalSourceType>{source_type}</Iptc4xmpExt:DigitalSourceType>
  </rdf:Description>
 </rdf:RDF>
</x:xmpmeta>
<?xpacket end="r"?>"""

Record = Mapping[str, Any]


@dataclass(frozen=True)
class MetadataChoice:
    """choice: "full" writes the record, the workflow and the mark; "mark" only that an AI made the video; "none"
    nothing. workflow: texts by the keys under which the host's editor finds them."""

    choice: str = FULL
    workflow: Mapping[str, str] = field(default_factory=dict)

    @property
    def request(self) -> Mapping[str, str]:
        """Its part in the key of a job. The default has none, so that videos of earlier versions are found again."""
        return {} if self.choice == FULL else {"metadata": self.choice}

    def __post_init__(self) -> None:
        if self.choice not in CHOICES:
            raise SettingsError(f"The metadata is '{self.choice}'; choose one of {', '.join(CHOICES)}.")


@dataclass(frozen=True)
class FileMetadata:
    """tags: of the container. source_type: one of IPTC's addresses, or empty. chapters: in PyAV's form."""

    tags: Mapping[str, str] = field(default_factory=dict)
    source_type: str = ""
    chapters: Sequence[Mapping[str, Any]] = ()


NO_METADATA = FileMetadata()


def file_metadata(
    choice: MetadataChoice, source_type: str, record: Record, source: Record | None = None
) -> FileMetadata:
    """record: values that JSON can hold. source: the record of the video that this one was made from."""
    if choice.choice == NONE:
        return NO_METADATA
    stored: dict[str, Any] = {"version": __version__}
    if source_type:
        stored["digital_source_type"] = source_type
    if choice.choice == FULL:
        stored |= record
        if source is not None:
            stored["source"] = source
    workflow = choice.workflow if choice.choice == FULL else {}
    return FileMetadata({**workflow, RECORD_TAG: json.dumps(stored)}, source_type)


def read_record(source: VideoSource) -> Record | None:
    """What `file_metadata` wrote; None if the file has no record. Errors: VideoError if `source` is no video."""
    with opened(source) as container:
        return parse_record(container.metadata.get(RECORD_TAG, ""))


def parse_record(text: str) -> Record | None:
    """The record in a tag of any file; None if it is not one."""
    try:
        record = parse_json(text)
    except ValueError:
        return None
    return record if isinstance(record, dict) else None


def append_mark(path: Path, source_type: str) -> None:
    """Add the mark to a complete MP4 file, as XMP."""
    packet = XMP_BOX + XMP_PACKET.format(source_type=source_type).encode()
    with path.open("ab") as file:
        file.write(struct.pack(">I4s", 8 + len(packet), b"uuid") + packet)
