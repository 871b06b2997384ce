# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Shapes of the JSON files that stages leave for each other, as far as others rely on them.

`files.read_json` checks a file against its shape: one that was damaged, or left by another version, is
refused by name where it is read. A file may hold more.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, NotRequired

from pydantic import Discriminator, Field, Tag
from typing_extensions import TypedDict  # pydantic refuses Python 3.11's own

Share = Annotated[float, Field(ge=0, le=1)]


class Trial(TypedDict):
    """What the bench reported of one candidate, with its time."""

    algorithm: str
    tile: int
    lmul: int
    panels: int
    kc_splits: int
    cycles: int | None
    ms: float
    mac_per_cycle: float | None


class Counters(TypedDict):
    """What the timing model counted in one region."""

    instructions: int
    classes: dict[str, int]
    stalls: dict[str, int]
    l1_misses: int
    l2_misses: int
    functions: dict[str, int]
    threads: int


class ModelledTrial(Trial):
    """A candidate's report by the timing model."""

    cycles: Annotated[int, Field(ge=1)]  # type: ignore[misc]
    useful_macs: int
    counters: Counters


class Search(TypedDict):
    """The candidates of one convolution that ran with `kept` columns.

    Where time is measured, `tied` are those that cannot be told from the fastest, which is among them.
    """

    kept: int
    sparsity: float
    m: Any
    trials: Annotated[list[Trial], Field(min_length=1)]
    tied: NotRequired[list[str]]


class ModelledSearch(Search):
    """Candidates that ran under the timing model."""

    trials: Annotated[list[ModelledTrial], Field(min_length=1)]  # type: ignore[misc]


class MeasuredUnder(TypedDict):
    """Under which conditions time was measured: see `colonnade.targets.conditions`."""

    mhz: float | None
    others_percent: float
    steal_percent: float
    under_load: Literal[0, 1]


class Profile(TypedDict):
    """A file of profile/: one convolution."""

    conv: str
    searches: Annotated[list[Search], Field(min_length=1)]
    reference: Trial
    conditions: NotRequired[MeasuredUnder]


class ModelledProfile(Profile):
    """The same of a target whose time is modelled."""

    searches: Annotated[list[ModelledSearch], Field(min_length=1)]  # type: ignore[misc]
    reference: ModelledTrial  # type: ignore[misc]


class DenseRun(TypedDict):
    """A dense baseline's report of one convolution, by one of the ways that its library has."""

    implementation: str
    candidate: str
    cycles: Annotated[int, Field(ge=1)]
    right: bool


class DenseRuns(TypedDict):
    """A file of baselines/: one convolution."""

    conv: str
    runs: Annotated[list[DenseRun], Field(min_length=1)]


class Scheduled(TypedDict):
    """A schedule, as far as pruning needs it."""

    tile: Annotated[int, Field(ge=1)]


class Schedules(TypedDict):
    """schedules.json."""

    convs: dict[str, Scheduled]
    stays_dense: list[str]


class PackagedSchedule(Scheduled):
    """All of a schedule."""

    algorithm: str
    lmul: int
    panels: int
    kc_splits: int


class TileOption(PackagedSchedule):
    """An entry of budget/tiles/: a pruned convolution in tiles of some size, at their fastest."""

    kept: Annotated[int, Field(ge=1)]
    ms: Annotated[float, Field(gt=0)]
    cycles: Annotated[int, Field(ge=1)] | None


class PackagedSchedules(TypedDict):
    """schedules.json of a package that was tuned."""

    target: str
    convs: dict[str, PackagedSchedule]


class TunedSchedules(PackagedSchedules):
    """All of schedules.json."""

    format: str
    version: int
    stays_dense: list[str]


class Layer(TypedDict):
    """What one operator took."""

    name: str
    op: str
    cycles: int | None
    seconds: float


class Total(TypedDict):
    """What a whole network took: cycles where they are modelled, and the seconds of every run."""

    cycles: Annotated[int, Field(ge=1)] | None
    seconds: Annotated[float, Field(gt=0)]
    samples: NotRequired[list[float]]


class Run(TypedDict):
    """A file of throughput/: the runner's report, and where time is measured the conditions."""

    model: str
    checkpoint_sha256: str
    implementation: str
    threads: int
    layers: list[Layer]
    total: Total
    conditions: NotRequired[MeasuredUnder]


class PaperRun(TypedDict):
    """A run of a network of the paper, and the share of its columns that is removed."""

    sparsity: Share
    run: Run


class ModelledLayer(Layer):
    """What one operator took by the timing model."""

    cycles: Annotated[int, Field(ge=1)]  # type: ignore[misc]
    schedule: NotRequired[str]
    counters: Counters


class ModelledRun(Run):
    """The runner's report of a run whose time is modelled."""

    dtype: str
    vlen: int
    batch: int
    layers: list[ModelledLayer]  # type: ignore[misc]


class NightlyRun(ModelledRun):
    """A run of `nightly-cycles`: how large the package is, and how far its outputs are from PyTorch's.

    `relative_error` is the largest difference in relation to the largest output; `agrees` where that is
    within the tolerance of the datatype and the largest output is the same.
    """

    target: str
    image_px: int
    package_bytes: Annotated[int, Field(ge=1)]
    relative_error: Annotated[float, Field(ge=0)]
    agrees: bool


class BaselineLayer(TypedDict):
    """A layer of a baseline: cycles in all, in each function, and lost to each stall."""

    cycles: Annotated[int, Field(ge=1)]
    schedule: str
    functions: dict[str, int]
    stalls: dict[str, int]


class BaselineRun(TypedDict):
    """A run of a baseline: of which network, what its package and outputs are, and its layers by name."""

    checkpoint_sha256: str
    package_bytes: Annotated[int, Field(ge=1)]
    relative_error: Annotated[float, Field(ge=0)]
    agrees: bool
    layers: dict[str, BaselineLayer]


class CycleBaseline(TypedDict):
    """results/baseline/layers.json: why it was accepted, and its runs by name."""

    reason: str
    git_commit: str | None
    runs: dict[str, BaselineRun]


NOMINAL = "nominal"
"""The target's core among those of a band."""


class NamedLayer(TypedDict):
    """A layer of a run."""

    name: str
    op: str


class OverBand(TypedDict):
    """A file of sensitivity/: one run on every core of a band, `NOMINAL` the target's own.

    `cycles` are those of each of `layers`, by the core's name.
    """

    model: str
    checkpoint_sha256: str
    implementation: str
    dtype: str
    threads: int
    layers: list[NamedLayer]
    cycles: dict[str, list[int]]


ScheduleSource = Literal["tuned", "other size", "fixed"]
"""Where a convolution's schedule comes from: tuned for its shape, or for the same weights over images of
another size, or fixed by the implementation."""


class RanLayer(TypedDict):
    """What the runner reports of a layer without a schedule."""

    name: str
    op: str


class RanConv(RanLayer):
    """What it reports of a convolution that it ran; `schedule_key` where that is of another size.

    `schedule_adapted` are the parts of the schedule that had to be others than those of that key.
    """

    schedule: str
    schedule_source: ScheduleSource
    schedule_key: NotRequired[str]
    schedule_adapted: NotRequired[list[str]]


def _kind_of_layer(layer: Any) -> str:
    return "conv2d" if isinstance(layer, dict) and layer.get("op") == "conv2d" else "other"


class RunnerReport(TypedDict):
    """The runner's report of an implementation of ours, as far as it tells which schedules ran."""

    layers: list[
        Annotated[
            Annotated[RanConv, Tag("conv2d")] | Annotated[RanLayer, Tag("other")],
            Discriminator(_kind_of_layer),
        ]
    ]


class LayerSchedule(TypedDict):
    """The schedule that a convolution ran; `key` is where it was looked up, if at another size."""

    layer: str
    schedule: str
    source: ScheduleSource
    key: str | None
    adapted: list[str]


class Accuracy(TypedDict):
    """A file of accuracy/. `schedule_sources` counts layers, whose `schedules` ran on the target."""

    checkpoint_sha256: str
    n_images: int
    target: str
    top1_torch: Share
    top1_target: Share
    agreement: Share
    max_abs_logit_difference: float
    schedule_sources: dict[ScheduleSource, int]
    schedules: list[LayerSchedule]


class StudyEvaluation(TypedDict):
    """A file of study/: top-1 of one network."""

    model: str
    dataset: str
    epochs: int
    pruned_share: Share
    n_images: int
    checkpoint_sha256: str
    top1: Share
    validation_top1: Share


Verdict = Literal[
    "reproduced",
    "exceeded",
    "not reproduced",
    "reproduced in the model",
    "exceeded in the model",
    "not reproduced in the model",
    "reproduced on the nominal core",
    "exceeded on the nominal core",
    "not reproduced on the nominal core",
    "depends on the core",
    "not decided",
    "not run",
]
"""What is said of a claim. A modelled value is judged "in the model" where it was run on every core of a
band, and the verdict is the same on all; else on the nominal core alone."""


WHERE = (" in the model", " on the nominal core")
"""What verdicts on modelled values end in."""


class Range(TypedDict):
    """The values of a claim on so many `cores`, the nominal one among them, and which have the ends."""

    lowest: float
    lowest_with: str
    median: float
    highest: float
    highest_with: str
    cores: int


Expected = Literal["holds", "does not hold", "not decided", "not run"]
"""What is expected of a claim in a run of the default configuration."""


class Claim(TypedDict):
    """One of claims.json."""

    id: str
    claim: str
    source: str
    detail: str
    criterion: str
    expected: Expected
    command: str
    paper_value: float | None
    our_value: float | None
    unit: str
    evidence: str
    verdict: Verdict
    over_band: Range | None
    refuted_by: str
    artifacts: list[str]


class Compared(MeasuredUnder):
    """What took part in the comparison at one setting: a row of comparison/.

    `round_ms` has a time for every round; none of one that could not run, for which `reason` says why.
    """

    model: str
    batch: Annotated[int, Field(ge=1)]
    image_px: int
    threads: Annotated[int, Field(ge=1)]
    participant: str
    kind: Literal["peer", "colonnade"]
    version: str | None
    variant: str
    sparsity: Share
    round_ms: list[Annotated[float, Field(gt=0)]]
    reason: str
    max_relative_error: float | None
    target: str
    cpu: str
    cores: int


class PackageGraph(TypedDict):
    """graph.json of a package, as far as tables tell of it."""

    model: str
    checkpoint_sha256: str


class ImageOrigin(TypedDict):
    """Which toolchain image."""

    engine: str
    digest: str


EVIDENCE: Mapping[str, str] = {
    "measured": "on this machine: wall clock, bytes of files, top-1 in PyTorch",
    "modelled": "cycles of the timing model, and their time at the core's clock; not a speed of hardware",
    "emulated": "what the program computed under QEMU: its results, their top-1",
}
"""What the kinds of evidence are of; docs/results.md and the report say it in these words."""


class Change(TypedDict):
    """A configuration key that a run has otherwise than the default; null where one lacks it."""

    key: str
    value: Any
    default: Any


class Provenance(TypedDict):
    """provenance.json."""

    git_commit: str | None
    dirty: bool | None
    image: ImageOrigin
    qemu: str
    compilers: dict[str, str]
    python: str
    python_packages: dict[str, str]
    cpu: str
    seeds: dict[str, int]
    config_sha256: str
    config_changes: list[Change]
    config: dict[str, Any]


class ImageFacts(TypedDict):
    """A toolchain image's record, as far as provenance tells it."""

    engine: str
    reference: str
    digest: str
    qemu: str
    compilers: dict[str, str]
    packages: dict[str, str]


# Keys of JSON-LD begin with "@", which no field of a class can.
CrateReference = TypedDict("CrateReference", {"@id": str})
CrateEntity = TypedDict(
    "CrateEntity",
    {
        "@id": str,
        "@type": str | list[str],
        "description": NotRequired[str],
        "sha256": NotRequired[str],
        "result": NotRequired[list[CrateReference]],
    },
)
CrateGraph = TypedDict("CrateGraph", {"@graph": list[CrateEntity]})
"""ro-crate-metadata.json: its files, and the commands (type CreateAction) that made them."""


class Shown(TypedDict):
    """Names of ImageNet's classes, and the photographs as JPEG in base64, by name."""

    classes: list[str]
    pictures: dict[str, str]


class PhotographAgreement(TypedDict):
    """Of a pruned network, in PyTorch: shares of crops on which it agrees with the dense one."""

    crops: int
    same_top1: float
    among_best: float


class SeenPhotograph(TypedDict):
    """What a run makes of a photograph: its likeliest classes, and the likeliest in PyTorch.

    `difference` is the largest of a logit, in relation to the largest logit.
    """

    photograph: str
    best: list[int]
    torch_best: int
    difference: float


class PhotographRun(TypedDict):
    """A variant on a target, in a datatype."""

    variant: str
    dtype: str
    target: str
    seen: list[SeenPhotograph]
