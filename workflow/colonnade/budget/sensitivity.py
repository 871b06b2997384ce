"""How much each layer minds each pattern: loss on the validation split with only it pruned."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from tqdm import tqdm

from colonnade.data import DataConfig, open_data
from colonnade.pruning import (
    Pattern,
    conv_weight,
    importances,
    make_masks,
    uniform_plan,
)
from colonnade.tables import SENSITIVITY, write_table
from colonnade.training import (
    TrainingConfig,
    check_same_data,
    deterministic,
    measure,
    open_hardware,
    read_checkpoint,
)

# In the table, the layer of the row of the network as it is.
NONE = ""


def write_sensitivity(
    dense: Path,
    patterns: Sequence[tuple[Pattern, Mapping[str, int]]],
    data: DataConfig,
    training: TrainingConfig,
    table: Path,
) -> None:
    """Prune one layer at a time, without fine-tuning, and measure over the validation split.

    Args:
        dense: the checkpoint of the dense network.
        patterns: each pattern, with the profiled tiles of all layers at its sparsity.
        data: the data set whose validation split is used.
        training: device and threads of PyTorch.
        table: the CSV file to write; its first row is the dense network's.

    Raises:
        ColonnadeError: a damaged checkpoint, or other data than it was trained on.
    """
    source = read_checkpoint(dense)
    images = open_data(data)
    check_same_data(source, data, images)
    network = source.model()
    jobs = [(pattern, name, tile) for pattern, tiles in patterns for name, tile in tiles.items()]
    with (
        open_hardware(training.alone) as hardware,
        deterministic(source.info.seed, training.threads),
    ):
        hardware.place(network)
        exact = hardware.in_full()
        rows = [_row(NONE, None, measure(network, images.validation, exact))]
        for pattern, name, tile in tqdm(jobs, "sensitivity", unit="layer"):
            weight = conv_weight(network, name)
            before = weight.detach().clone()
            plan = uniform_plan(pattern, {name: tile})
            masks = make_masks(importances(network, [name], "l1"), plan)
            weight.data.masked_fill_(~masks[name].for_conv(weight), 0)
            rows.append(_row(name, pattern, measure(network, images.validation, exact)))
            weight.data.copy_(before)
    write_table(table, SENSITIVITY, rows)


def _row(
    layer: str, pattern: Pattern | None, measured: tuple[float, float]
) -> dict[str, str | float | None]:
    return {
        "layer": layer,
        "pattern": None if pattern is None else pattern.label,
        "validation_loss": measured[0],
        "validation_top1": 100 * measured[1],
    }
