"""Masks of a whole model: which convolutions are pruned, and keeping their weights pruned."""

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor, nn

from colonnade.errors import ColonnadeError
from colonnade.models import build, trace
from colonnade.pruning.mask import ColumnMask, make_mask, weight_matrix
from colonnade.pruning.settings import Pattern


def prunable_convs(model_name: str, skip: Iterable[str]) -> list[str]:
    """Names of the convolutions that are pruned: all but those in `skip`, in execution order.

    Raises:
        ColonnadeError: no such model, or `skip` names a layer that is no convolution of it.
    """
    with torch.device("meta"):
        names = [conv.name for conv in trace(build(model_name, 1)).convs]
    unknown = sorted(set(skip) - set(names))
    if unknown:
        raise ColonnadeError(
            f"pruning.skip: {', '.join(unknown)}: no such convolution in {model_name};"
            f" allowed: {', '.join(names)}"
        )
    return [name for name in names if name not in set(skip)]


def make_masks(
    model: nn.Module, pattern: Pattern, tiles: Mapping[str, int]
) -> dict[str, ColumnMask]:
    """One mask for every convolution named in `tiles`, with that tile, from its present weights.

    Raises:
        ColonnadeError: a name that is no convolution, or an impossible tile; the layer is named.
    """
    masks = {}
    for name, tile in tiles.items():
        weight = _weight(model, name)
        try:
            masks[name] = make_mask(weight_matrix(weight), pattern, tile)
        except ColonnadeError as error:
            raise ColonnadeError(f"layer {name}: {error}") from error
    return masks


class HeldMasks:
    """Holds the pruned weights of a model at zero while an optimizer works on it."""

    def __init__(self, model: nn.Module, masks: Mapping[str, ColumnMask]) -> None:
        weights = {name: _weight(model, name) for name in masks}
        self._pruned = [(w, ~masks[name].for_conv(w)) for name, w in weights.items()]

    @torch.no_grad()
    def apply(self) -> None:
        """Set the pruned weights to zero: call after every optimizer step."""
        for weight, pruned in self._pruned:
            weight.masked_fill_(pruned, 0.0)

    @torch.no_grad()
    def apply_to_gradients(self) -> None:
        """Drop the gradients of pruned weights: call before clipping and the optimizer step.

        Otherwise they count in the gradient's norm and gather in the optimizer's moments.
        """
        for weight, pruned in self._pruned:
            if weight.grad is not None:
                weight.grad.masked_fill_(pruned, 0.0)


def _weight(model: nn.Module, name: str) -> Tensor:
    try:
        module = model.get_submodule(name)
    except AttributeError as error:
        raise ColonnadeError(f"layer {name}: no such layer in the model") from error
    if not isinstance(module, nn.Conv2d):
        raise ColonnadeError(f"layer {name}: not a convolution")
    return module.weight
