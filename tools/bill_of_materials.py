"""A bill of materials (SBOM) in CycloneDX's JSON, and a look-up of known vulnerabilities that needs no network.

bill_of_materials.py --out sbom.cdx.json               the pack, its weights, and its dependencies as installed here
bill_of_materials.py --extras face,farm --out …        with those of extras, which must be installed
bill_of_materials.py --known all.zip [--extras …]      compares with OSV's records; exit status 1 if one is affected

all.zip is https://osv-vulnerabilities.storage.googleapis.com/PyPI/all.zip, fetched on any machine. With a network,
pip-audit does the same: .github/workflows/audit.yml.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import uuid
import zipfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime, timezone
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from hallo2_core import __version__  # noqa: E402
from hallo2_core.storage.file_hash import sha256_of  # noqa: E402

PACK = "hallo2"
HOSTS_OWN = ("torch",)  # needed, but not declared: ComfyUI brings its own
WEIGHTS = ("hallo2_core/checkpoints/trained", "hallo2_core/portrait/weights")
LICENSE_CLASSIFIER = "License :: OSI Approved :: "


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--extras", default="", metavar="NAME,…", help="also the dependencies of these extras")
    parser.add_argument("--out", type=Path, help="write the bill of materials there")
    parser.add_argument("--known", type=Path, metavar="ZIP", help="compare with OSV's records of PyPI")
    arguments = parser.parse_args()
    extras = {name.strip() for name in arguments.extras.split(",") if name.strip()}
    found = installed(declared(extras))
    if arguments.out is not None:
        arguments.out.write_text(json.dumps(bill(found), indent=1), encoding="utf-8")
        sys.stdout.write(f"{arguments.out}: {len(found)} packages\n")
    if arguments.known is None:
        return 0
    affected = list(known_vulnerabilities(arguments.known, {name: one.version for name, one in found.items()}))
    sys.stdout.write("".join(f"{line}\n" for line in affected) or "No record affects these versions.\n")
    return int(bool(affected))


def declared(extras: set[str]) -> list[Requirement]:
    """Of pyproject.toml, as installed: the environment of a release has the pack installed."""
    return [*needs_of(distribution(PACK), extras), *map(Requirement, HOSTS_OWN)]


def needs_of(one: Distribution, extras: Collection[str] = ()) -> Iterator[Requirement]:
    """On this machine, and with these of its extras."""
    for needed in map(Requirement, one.requires or ()):
        if needed.marker is None or any(needed.marker.evaluate({"extra": extra}) for extra in ("", *extras)):
            yield needed


def installed(requirements: Sequence[Requirement]) -> dict[str, Distribution]:
    """Those, and what they need in turn. Ends with a message if one is not installed."""
    found: dict[str, Distribution] = {}
    left = list(requirements)
    while left:
        wanted = left.pop()
        name = canonicalize_name(wanted.name)
        if name in found:
            continue
        try:
            found[name] = distribution(wanted.name)
        except PackageNotFoundError:
            sys.exit(f"{wanted} is not installed, so its version is unknown. Install it, or leave out its extra.")
        left += needs_of(found[name], wanted.extras)
    return dict(sorted(found.items()))


def bill(found: Mapping[str, Distribution]) -> dict[str, Any]:
    """CycloneDX 1.6."""
    packages = [
        {
            "type": "library",
            "bom-ref": f"pkg:pypi/{name}@{one.version}",
            "name": name,
            "version": one.version,
            "purl": f"pkg:pypi/{name}@{one.version}",
            "licenses": [{"license": {"name": text}} for text in license_names(one)],
        }
        for name, one in found.items()
    ]
    weights = [
        {
            "type": "machine-learning-model",
            "bom-ref": path.relative_to(ROOT).as_posix(),
            "name": path.stem,
            "hashes": [{"alg": "SHA-256", "content": sha256_of(path)}],
            "licenses": [{"license": {"id": "Apache-2.0"}}],
        }
        for folder in WEIGHTS
        for path in sorted((ROOT / folder).glob("*.safetensors"))
    ]
    pack = {
        "type": "application",
        "bom-ref": f"pkg:pypi/{PACK}@{__version__}",
        "name": PACK,
        "version": __version__,
        "licenses": [{"license": {"id": "Apache-2.0"}}],
    }
    needs = [{"ref": pack["bom-ref"], "dependsOn": [one["bom-ref"] for one in (*packages, *weights)]}]
    for name, one in found.items():
        below = {canonicalize_name(needed.name) for needed in needs_of(one)} & set(found)
        needs.append(
            {
                "ref": f"pkg:pypi/{name}@{one.version}",
                "dependsOn": [f"pkg:pypi/{other}@{found[other].version}" for other in sorted(below)],
            }
        )
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid4()}",
        "version": 1,
        "metadata": {"timestamp": datetime.now(timezone.utc).isoformat(timespec="seconds"), "component": pack},
        "components": [*packages, *weights],
        "dependencies": needs,
    }


def license_names(one: Distribution) -> list[str]:
    """An SPDX expression where the package has one, else its classifiers, else the first line of its text."""
    facts = one.metadata
    if expression := facts.get("License-Expression"):
        return [expression]
    classified = [text.removeprefix(LICENSE_CLASSIFIER) for text in facts.get_all("Classifier") or ()
                  if text.startswith(LICENSE_CLASSIFIER)]  # fmt: skip
    text = (facts.get("License") or "").strip().split("\n")[0]
    return classified or ([text] if text else [])


def known_vulnerabilities(archive: Path, versions: Mapping[str, str]) -> Iterator[str]:
    """versions: by canonical names. A line for each record of OSV's archive that affects one of them."""
    with zipfile.ZipFile(archive) as records:
        for entry in records.namelist():
            record = json.loads(records.read(entry))
            if "withdrawn" in record:
                continue
            for affected in record.get("affected", ()):
                name = canonicalize_name(affected.get("package", {}).get("name", ""))
                if name in versions and is_affected(versions[name], affected):
                    summary = re.sub(r"\s+", " ", record.get("summary") or record.get("details", ""))[:120]
                    yield f"{name} {versions[name]}  {record['id']}  {summary}"
                    break


def is_affected(version: str, affected: Mapping[str, Any]) -> bool:
    """By the list of versions, or a range of the ecosystem's: introduced ≤ version < fixed, or ≤ last_affected."""
    if version in affected.get("versions", ()):
        return True
    own = Version(version)
    for one in affected.get("ranges", ()):
        inside = False
        for event in one.get("events", ()) if one.get("type") == "ECOSYSTEM" else ():
            try:
                ((kind, text),) = event.items()
                at = Version("0.dev0" if text == "0" else text)
            except (ValueError, InvalidVersion):
                continue
            if kind == "introduced" and own >= at:
                inside = True
            elif (kind == "fixed" and own >= at) or (kind == "last_affected" and own > at):
                inside = False
        if inside:
            return True
    return False


if __name__ == "__main__":
    sys.exit(main())
