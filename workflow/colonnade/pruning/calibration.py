# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""What convolutions see on calibration images: their inputs as rows, and the products of these.

A convolution is a product of matrices: the inputs of all output positions, X [positions, K], times
the weights [K, Cout], K in (kh, kw, cin) order. The squared error of its output has the Hessian X^T X.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn.functional import unfold

from colonnade.common.errors import ColonnadeError
from colonnade.models.torch_layers import PlaneConv2d

# Added to the diagonal of a Hessian, in units of its mean: inputs that never vary leave it singular.
DAMPING = 0.01


def input_rows(conv: nn.Conv2d, images: Tensor) -> Tensor:
    """The inputs of an ungrouped convolution as a matrix [N * OH * OW, K] of `images` [N, Cin, H, W]."""
    padding = conv.padding
    if isinstance(conv, PlaneConv2d):
        # Its padding may differ from side to side, for which the attribute has no words.
        images, padding = conv.padded(images), (0, 0)
    assert isinstance(padding, tuple)
    columns = unfold(images, conv.kernel_size, conv.dilation, padding, conv.stride)
    batch, _, positions = columns.shape
    taps = conv.kernel_size[0] * conv.kernel_size[1]
    split = columns.reshape(batch, conv.in_channels, taps, positions)
    return split.permute(0, 3, 2, 1).reshape(batch * positions, -1)


@torch.no_grad()
def input_products(
    model: nn.Module, names: Sequence[str], batches: Iterable[tuple[Tensor, Tensor]]
) -> dict[str, Tensor]:
    """X^T X [K, K] of the named convolutions over `batches`, in evaluation mode.

    Products of a batch are in float32, and added up in float64.

    Raises:
        ColonnadeError: no batch, or a grouped convolution.
    """
    require_ungrouped(model, names)
    products: dict[str, Tensor] = {}

    def add(name: str, conv: nn.Module, images: Tensor) -> None:
        assert isinstance(conv, nn.Conv2d)
        rows = input_rows(conv, images)
        products[name] = (rows.T @ rows).double() + products.get(name, 0)

    handles = [
        model.get_submodule(name).register_forward_pre_hook(
            lambda conv, inputs, name=name: add(name, conv, inputs[0])
        )
        for name in names
    ]
    try:
        with evaluation_mode(model):
            for images, _ in batches:
                model(images)
    finally:
        for handle in handles:
            handle.remove()
    if not products and names:
        raise ColonnadeError("calibration: needs at least one batch of training images")
    return products


def require_ungrouped(model: nn.Module, names: Iterable[str]) -> None:
    """Refuse convolutions whose rows do not all see the same inputs.

    Raises:
        ColonnadeError: a grouped convolution, by name.
    """
    for name in names:
        groups = model.get_submodule(name).groups
        if groups != 1:
            raise ColonnadeError(
                f"layer {name}: has {groups} groups; repair and second-order scores allow 1"
            )


def damped(product: Tensor, damping: float) -> Tensor:
    """`product` [K, K] with `damping` times its mean diagonal, or 1 if that is 0, added to it."""
    mean = product.diagonal().mean()
    unit = torch.where(mean > 0, mean, torch.ones_like(mean))
    return product + damping * unit * torch.eye(len(product), dtype=product.dtype).to(product)


def inverse_diagonal(product: Tensor) -> Tensor:
    """The diagonal [K] of the inverse of the damped `product` [K, K], on the CPU."""
    factor = torch.linalg.cholesky(damped(product, DAMPING))
    return torch.cholesky_inverse(factor).diagonal().cpu()


@contextmanager
def evaluation_mode(model: nn.Module) -> Iterator[None]:
    """Within, the model evaluates; after it, it does what it did before."""
    training = model.training
    model.eval()
    try:
        yield
    finally:
        model.train(training)
