"""The metrics by name: what each one needs, and how to read it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from ..errors import SettingsError

HIGHER, LOWER, ONE = "higher is better", "lower is better", "1 is best"


@dataclass(frozen=True)
class Figure:
    """A column of the table, or a curve."""

    title: str
    best: str


@dataclass(frozen=True)
class Metric:
    figures: Mapping[str, Figure]
    paired: bool = False  # needs one reference per video, compared frame by frame
    of_set: bool = False  # one figure for all videos together, against all references together
    network: str = ""  # the option that names its network's file


METRICS = {
    "psnr": Metric({"psnr": Figure("PSNR against the reference, dB", HIGHER)}, paired=True),
    "ssim": Metric({"ssim": Figure("SSIM against the reference", HIGHER)}, paired=True),
    "lpips": Metric({"lpips": Figure("LPIPS (AlexNet) against the reference", LOWER)}, paired=True, network="lpips"),
    "flicker": Metric({"flicker": Figure("flicker along motion, 0-255", LOWER)}),
    "seam_jump": Metric(
        {
            "seam_jump": Figure("change at clip borders divided by change inside clips", ONE),
            "change": Figure("change from frame to frame, 0-255 (red: at clip borders)", "at borders as elsewhere"),
        }
    ),
    "identity": Metric({"identity": Figure("identity, cosine to the first face", HIGHER)}, network="face-models"),
    "sync": Metric(
        {
            "sync_c": Figure("Sync-C, SyncNet's confidence", HIGHER),
            "sync_d": Figure("Sync-D, SyncNet's least distance", LOWER),
            "sync_offset": Figure("frames by which the sound comes before the lips", "0 is best"),
        },
        network="syncnet",
    ),
    "fid": Metric({"fid": Figure("FID; over time: of each window", LOWER)}, of_set=True, network="inception"),
    "fvd": Metric({"fvd": Figure("FVD of clips of 16 frames", LOWER)}, of_set=True, network="i3d"),
    "e_fid": Metric({"e_fid": Figure("E-FID, of expression coefficients", LOWER)}, of_set=True, network="face-recon"),
}
FIGURES: Mapping[str, Figure] = {name: figure for metric in METRICS.values() for name, figure in metric.figures.items()}


def chosen_metrics(names: Collection[str], pairs: bool, references: bool, networks: Collection[str]) -> tuple[str, ...]:
    """The metrics to measure, in the catalogue's order. names: empty chooses all that are possible.

    pairs: there are as many references as videos. networks: the options given. Errors: SettingsError that names what a
    metric lacks that was asked for by its name or its network.
    """
    unknown = [name for name in names if name not in METRICS]
    if unknown:
        raise SettingsError(f"There is no metric '{unknown[0]}'; choose from {', '.join(METRICS)}.")
    chosen = []
    for name, metric in METRICS.items():
        lacks = _lacking(metric, pairs, references, networks)
        if lacks and (name in names or (not names and metric.network in networks)):
            raise SettingsError(f"The metric '{name}' needs {lacks}.")
        if not lacks and (not names or name in names):
            chosen.append(name)
    return tuple(chosen)


def _lacking(metric: Metric, pairs: bool, references: bool, networks: Collection[str]) -> str:
    if metric.paired and not pairs:
        return "one --reference per video, in the same order"
    if metric.of_set and not references:
        return "--reference: the real videos to compare with"
    if metric.network and metric.network not in networks:
        return f"a network of your own: name its file with --{metric.network} (docs/evaluation.md lists the sources)"
    return ""
