# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Operations of PyTorch as torch.export writes them: they compute what PyTorch does, or are refused."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as f
from torch import Tensor, nn

from colonnade.common.errors import ColonnadeError
from colonnade.models.importing import torch_reader
from colonnade.models.importing.torch_reader import import_module, import_program, read_pt2

from .computing import assert_equal, outputs

Function = Callable[..., Any]
MAP = (2, 6, 8, 12)
ATEN: Any = torch.ops.aten


class Called(nn.Module):
    """A module that calls a function with its inputs and with constants of its own."""

    def __init__(self, function: Function, **constants: Tensor) -> None:
        super().__init__()
        self.function = function
        self.names = list(constants)
        for name, value in constants.items():
            self.register_buffer(name, value)

    def forward(self, *inputs: Tensor) -> Any:
        return self.function(*inputs, *(getattr(self, name) for name in self.names))


def drawn(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def split_attention(x: Tensor) -> Tensor:
    """ResNeSt's: two groups of channels, weighed by a softmax over both."""
    parts = x.view(2, 2, 3, 8, 12)
    scores = torch.cat([parts.sum(1).mean((2, 3)), parts.amax(1).mean((2, 3))], 1)
    weights = scores.view(2, 1, 2, 3).transpose(1, 2).softmax(1).reshape(2, 6)
    return (parts * weights.view(2, 2, 3, 1, 1)).sum(1)


def selective_kernels(x: Tensor) -> Tensor:
    """SKNet's: two maps, weighed by a softmax over both."""
    both = torch.stack([x, x.relu()], 1)
    pooled = both.sum(1).mean((2, 3), keepdim=True)
    weights = torch.cat([pooled, pooled.sigmoid()], 1).view(2, 2, 6, 1, 1).softmax(1)
    return (both * weights).sum(1)


# Each function reads a map, then the constants of these sizes.
COMPUTED: dict[str, tuple[Function, tuple[tuple[int, ...], ...]]] = {
    "conv2d-same": (lambda x, w: f.conv2d(x, w, padding="same"), ((4, 6, 4, 3),)),
    "conv2d-valid": (lambda x, w: f.conv2d(x, w, padding="valid"), ((4, 6, 3, 3),)),
    "convolution": (
        lambda x, w, b: ATEN.convolution(x, w, b, [2, 1], [1, 0], [1, 2], False, [0, 0], 2),
        ((4, 3, 3, 3), (4,)),
    ),
    "addmm": (lambda x, w, b: torch.addmm(b, x.mean((2, 3)), w), ((6, 5), (5,))),
    "clamp-min": (lambda x: x.clamp_min(0.25), ()),
    "clamp-max": (lambda x: x.clamp_max(0.25), ()),
    "clamp-of-tensors": (lambda x, low: torch.clamp(x, min=low), ((),)),
    "hardtanh": (lambda x: f.hardtanh(x, -0.5, 0.75), ()),
    "hardsigmoid": (f.hardsigmoid, ()),
    "gelu": (f.gelu, ()),
    "gelu-by-tanh": (lambda x: f.gelu(x, approximate="tanh"), ()),
    "mish": (f.mish, ()),
    "elu": (lambda x: f.elu(x, 0.75), ()),
    "elu-of-aten": (lambda x: ATEN.elu(x, 0.5, 2.0, 3.0), ()),
    "celu": (lambda x: f.celu(x, 0.5), ()),
    "selu": (f.selu, ()),
    "softplus": (f.softplus, ()),
    "softplus-with-beta": (lambda x: f.softplus(x, 2.5, 30), ()),
    "log-sigmoid": (f.logsigmoid, ()),
    "tanhshrink": (f.tanhshrink, ()),
    "rrelu": (lambda x: f.rrelu(x, 0.1, 0.5), ()),
    "glu": (lambda x: f.glu(x, 1), ()),
    "erf": (torch.erf, ()),
    "exp": (torch.exp, ()),
    "abs": (torch.abs, ()),
    "cube": (lambda x: x**3 + x.square() + x.pow(1), ()),
    "leaky-relu": (lambda x: f.leaky_relu(x, 0.3), ()),
    "prelu": (f.prelu, ((6,),)),
    "max-pool": (lambda x: f.max_pool2d(x, 3, (2, 1), 1, ceil_mode=True), ()),
    "avg-pool": (lambda x: f.avg_pool2d(x, (2, 3), padding=1, count_include_pad=False), ()),
    "adaptive-to-one": (lambda x: f.adaptive_avg_pool2d(x, 1), ()),
    "adaptive-max-to-one": (lambda x: f.adaptive_max_pool2d(x, 1), ()),
    "adaptive-to-its-size": (lambda x: f.adaptive_avg_pool2d(x, (8, 12)), ()),
    "adaptive-to-a-part": (lambda x: f.adaptive_avg_pool2d(x, (4, 3)), ()),
    "adaptive-max-to-a-part": (lambda x: f.adaptive_max_pool2d(x, (2, 4)), ()),
    "amax": (lambda x: x.amax((2, 3), keepdim=True), ()),
    "mean-of-flat-planes": (lambda x: x.flatten(2).mean(-1), ()),
    "minimum": (lambda x, w: torch.minimum(x, torch.relu(x * w)), ((1, 6, 1, 1),)),
    "subtracted-from": (lambda x, w: torch.sub(w, x), ((6, 1, 1),)),
    "subtracted-from-a-number": (lambda x: 1 - x, ()),
    "subtracted-from-by-rsub": (lambda x: ATEN.rsub(x, 2.5), ()),
    "negative": (lambda x: -x, ()),
    "divided": (lambda x, w: x / (w.sigmoid() + 1), ((6, 1, 1),)),
    "pad": (lambda x: f.pad(x, (1, 2, 3, 0), value=0.5), ()),
    "pad-width": (lambda x: f.pad(x, (2, 1)), ()),
    "pad-reflected": (lambda x: f.pad(x, (1, 7, 2, 0), mode="reflect"), ()),
    "pad-replicated": (lambda x: f.pad(x, (13, 1, 0, 9), mode="replicate"), ()),
    "pad-circular": (lambda x: f.pad(x, (12, 1, 2, 8), mode="circular"), ()),
    "pad-of-its-own-behind-a-convolution": (
        lambda x, w: f.conv2d(f.pad(x, (1, 1, 1, 1), mode="reflect"), w),
        ((4, 6, 3, 3),),
    ),
    "constant-pad": (lambda x: ATEN.constant_pad_nd(x, [1, 0, 2, 1], 2.0), ()),
    "pad-for-max-pool": (
        lambda x: f.max_pool2d(f.pad(x, (1, 0, 1, 0), value=float("-inf")), 2, 2),
        (),
    ),
    "view": (lambda x: x.view(2, -1), ()),
    "flatten-behind": (lambda x: x.mean((2, 3), keepdim=True).flatten(-3), ()),
    "squeeze": (lambda x: x.mean((2, 3), keepdim=True).squeeze(-1).squeeze(2), ()),
    "squeeze-all": (lambda x: x.mean((2, 3), keepdim=True).squeeze(), ()),
    "squeeze-several": (lambda x: x.mean((2, 3), keepdim=True).squeeze((2, 3)), ()),
    "unsqueeze": (lambda x: x * x.mean((2, 3)).unsqueeze(-1).unsqueeze(-1), ()),
    "permuted-and-back": (lambda x: x.permute(0, 2, 3, 1).relu().permute(0, -1, 1, 2), ()),
    "transposed-and-back": (lambda x: x.transpose(1, 3).sigmoid().transpose(-1, 1), ()),
    "channel-shuffle": (lambda x: f.channel_shuffle(x, 3), ()),
    "channel-shuffle-of-aten": (lambda x: ATEN.channel_shuffle(x, 2), ()),
    "split-attention": (split_attention, ()),
    "selective-kernels": (selective_kernels, ()),
    "softmax-over-two-maps": (lambda x: x.view(2, 2, 3, 8, 12).softmax(1).view(MAP), ()),
    "sum-of-groups": (lambda x: x.view(2, 3, 2, 8, 12).sum(1), ()),
    "mean-of-groups": (lambda x: x.view(2, 3, 2, 8, 12).mean(1), ()),
    "maximum-of-groups": (lambda x: x.view(2, 3, 2, 8, 12).amax(1, keepdim=True)[:, 0], ()),
    "sum-of-planes": (lambda x: x.sum((2, 3)), ()),
    "selected-group": (lambda x: x.view(2, 3, 2, 8, 12).select(1, -2), ()),
    "selected-row": (lambda x: x.select(2, 3).unsqueeze(2), ()),
    "unbound": (lambda x: sum(x.view(2, 3, 2, 8, 12).unbind(1)), ()),
    "softmax": (lambda x: torch.softmax(x.mean((2, 3)), -1), ()),
    "dropout": (lambda x: f.dropout(x, 0.4, training=False).tanh(), ()),
    "cat": (lambda x: torch.cat([x, x.relu(), x], 1), ()),
    "cat-of-features": (lambda x: torch.cat([x.mean((2, 3)), x.amax((2, 3))], -1), ()),
    "slice": (lambda x: x[:, 1:4], ()),
    "slice-from-the-end": (lambda x: x[:, -2:, :-1], ()),
    "slice-beyond-the-end": (lambda x: x[:, 2:99, -99:3], ()),
    "slice-with-steps": (lambda x: x[:, ::3, 1::2, ::4], ()),
    "slice-of-slices": (lambda x: x[:, :, 1:][:, 2:, 2:][..., 3:-1], ()),
    "slice-read-twice": (
        lambda x: (part := x[..., 1:]) + part[:, :, 3:].mean((2, 3), keepdim=True),
        (),
    ),
    "slice-of-features": (lambda x: x.mean((2, 3))[:, 1::2], ()),
    "slice-of-planes-of-one": (lambda x: x.mean((2, 3), keepdim=True)[:, 1:4, :1], ()),
    "slice-of-flat-planes": (lambda x: x.flatten(2)[:, 2:].mean(2), ()),
    "slice-of-a-flat-map": (lambda x: x.flatten(1)[:, 100:-100], ()),
    "slice-of-a-shuffle": (lambda x: f.channel_shuffle(x, 2)[:, :4], ()),
    "space-to-depth": (
        lambda x: torch.cat([x[..., i::2, j::2] for i in (0, 1) for j in (0, 1)], 1),
        (),
    ),
    "narrow": (lambda x: x.narrow(1, 2, 3).narrow(3, 1, 7), ()),
    "narrow-from-the-end": (lambda x: x.narrow(1, -2, 2) + x.narrow(1, -4, 2), ()),
    "chunk": (lambda x: x.chunk(4, 1)[1] * x.chunk(3, -3)[2], ()),
    "chunk-into-one": (lambda x: x.chunk(1, 1)[0].relu(), ()),
    "chunk-of-rows": (lambda x: torch.cat(x.chunk(2, 2), 1), ()),
    "split": (lambda x: torch.cat(x.split(4, 1)[::-1], 1), ()),
    "split-by-sizes": (lambda x: [each.relu() for each in x.split([1, 3, 2], 1)][1], ()),
    "split-into-copies": (lambda x: ATEN.unsafe_split(x, 2, 1)[1], ()),
    "upsample-nearest": (lambda x: f.interpolate(x, scale_factor=2), ()),
    "upsample-bilinear": (lambda x: f.interpolate(x, (11, 13), mode="bilinear"), ()),
    "upsample-corners": (
        lambda x: f.interpolate(x, (5, 17), mode="bilinear", align_corners=True),
        (),
    ),
    "crop": (lambda x: f.pad(x, (-1, 2, 0, -3)), ()),
    "pixel-unshuffle": (lambda x: f.pixel_unshuffle(x, 2), ()),
    "space-to-depth-of-blocks": (
        lambda x: x.view(2, 6, 2, 4, 4, 3).permute(0, 3, 5, 1, 2, 4).reshape(2, 72, 2, 4),
        (),
    ),
    # As many places a block, and other blocks.
    "space-to-depth-twice": (
        lambda x: (
            x.view(2, 6, 4, 2, 6, 2).permute(0, 1, 3, 5, 2, 4).reshape(2, 24, 4, 6).amax((2, 3))
            - x.view(2, 6, 2, 4, 12).permute(0, 1, 3, 2, 4).reshape(2, 24, 2, 12).amax((2, 3))
        ),
        (),
    ),
    "layer-norm-behind": (
        lambda x, w, b, v: f.linear(f.layer_norm(x.permute(0, 2, 3, 1), [6], w, b), v).movedim(
            -1, 1
        ),
        ((6,), (6,), (5, 6)),
    ),
    "parts-behind": (
        lambda x: torch.cat(
            [x.permute(0, 2, 3, 1)[..., 4:], *x.permute(0, 2, 3, 1).split(3, -1)], -1
        ).movedim(-1, 1),
        (),
    ),
    "layer-norm-of-tokens": (
        lambda x, w, b: f.linear(f.layer_norm(x.flatten(2).mT, [6]), w, b).mT.view(2, 5, 8, 12),
        ((5, 6), (5,)),
    ),
    "layer-norm-of-features": (
        lambda x, w, b: f.layer_norm(x.mean((2, 3)), [6], w, b),
        ((6,), (6,)),
    ),
    "layer-norm-of-means-behind": (
        lambda x, w, v: f.linear(f.layer_norm(x.permute(0, 2, 3, 1).mean((1, 2)), [6], w), v),
        ((6,), (3, 6)),
    ),
    "layer-norm-of-planes-of-one": (
        lambda x, w: f.layer_norm(x.mean((2, 3), keepdim=True).permute(0, 2, 3, 1), [6], w).permute(
            0, 3, 1, 2
        ),
        ((6,),),
    ),
    "layer-norm-of-all": (lambda x: f.layer_norm(x, [6, 8, 12]), ()),
    "scaled-behind": (
        lambda x, a, b: ((x.permute(0, 2, 3, 1) * a).relu() + b).permute(0, 3, 1, 2),
        ((6,), (6,)),
    ),
    "group-norm": (lambda x, w, b: f.group_norm(x + 20, 3, w, b, 1e-3), ((6,), (6,))),
    "group-norm-without-weights": (lambda x: f.group_norm(x, 2), ()),
    "group-norm-of-features": (lambda x, w: f.group_norm(x.mean((2, 3)), 2, w), ((6,),)),
    "instance-norm": (lambda x, w, b: f.instance_norm(x, None, None, w, b), ((6,), (6,))),
    "standardised-weights": (
        lambda x, w: f.conv2d(
            x, f.batch_norm(w.reshape(1, 4, -1), None, None, training=True).reshape_as(w)
        ),
        ((4, 6, 3, 3),),
    ),
    "linear": (lambda x, w, b: f.linear(x.flatten(1), w, b), ((3, 576), (3,))),
    "linear-of-turned": (
        lambda x, w: f.linear(x.permute(0, 2, 3, 1).flatten(1), w),
        ((3, 576),),
    ),
    "constants-folded": (lambda x, a, b: x * (a.tanh() + b).reshape(1, 6, 1, 1), ((6,), (6,))),
    "weights-of-an-exponential": (
        lambda x, w, g: f.conv2d(x, w * torch.exp(g)),
        ((4, 6, 3, 3), (4, 1, 1, 1)),
    ),
    "weights-of-two-outputs": (
        lambda x, v, g: f.conv2d(x, ATEN._weight_norm_interface(v, g, 0)[0]),
        ((4, 6, 3, 3), (4, 1, 1, 1)),
    ),
    "made-constants": (lambda x: x * torch.ones(6, 1, 1) + torch.tensor([2.0]), ()),
    "copied-as-doubles": (lambda x: ATEN._to_copy(x, dtype=torch.float64).relu(), ()),
    "added-in-place": (lambda x: (x * 2).add_(x).relu_(), ()),
}


@pytest.mark.parametrize("seed", [1], ids="seed{}".format)
@pytest.mark.parametrize("name", COMPUTED)
def test_operations_compute_what_pytorch_does(name: str, seed: int) -> None:
    function, sizes = COMPUTED[name]
    constants = {f"c{i}": drawn(*size, seed=seed + 9 + i) for i, size in enumerate(sizes)}
    module, x = Called(function, **constants), drawn(*MAP, seed=seed)
    imported = import_module(module, [x])
    assert imported.graph.nodes or torch.equal(module(x), x)
    assert_equal(outputs(imported, [x.numpy()]), [module(x).detach().numpy()], 1e-5)


@pytest.mark.parametrize("seed", [3], ids="seed{}".format)
def test_batch_norms_without_weights_compute_what_pytorch_does(seed: int) -> None:
    module = nn.BatchNorm2d(6, affine=False, eps=1e-2).eval()
    module.running_mean, module.running_var = drawn(6, seed=seed), drawn(6, seed=seed + 1).abs()
    x = drawn(*MAP, seed=seed + 2)
    imported = import_module(module, [x])
    assert_equal(outputs(imported, [x.numpy()]), [module(x).numpy()], 1e-5)


@pytest.mark.parametrize("seed", [4], ids="seed{}".format)
def test_decomposed_programs_compute_what_pytorch_does(seed: int) -> None:
    module = (
        nn.Sequential(
            nn.Conv2d(6, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten()
        )
        .append(nn.Linear(60, 3))
        .append(nn.Softmax(1))
    )
    x = drawn(*MAP, seed=seed)
    program = torch.export.export(module.eval(), (x,)).run_decompositions()
    kinds = {str(node.target) for node in program.graph.nodes}
    assert {"aten.convolution.default", "aten.addmm.default", "aten._softmax.default"} <= kinds
    assert "aten.max_pool2d_with_indices.default" in kinds
    imported = import_program(program, "net")
    with torch.no_grad():
        assert_equal(outputs(imported, [x.numpy()]), [module(x).numpy()], 1e-5)


def _four(w: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    found = w.mean((1, 2, 3))
    return found, found, found, found


REFUSED: dict[str, tuple[Function, str]] = {
    "transposed": (
        lambda x, w: ATEN.convolution(x, w, None, [1], [0], [1], True, [0], 1),
        "aten.convolution '.*': transposed",
    ),
    "alpha-of-addmm": (
        lambda x, w: torch.addmm(w.mean((0, 2, 3)), x.amax((2, 3)), w.mean((2, 3)), alpha=2),
        "alpha or beta other than 1",
    ),
    "beta-of-addmm": (
        lambda x, w: torch.addmm(w.mean((0, 2, 3)), x.amax((2, 3)), w.mean((2, 3)), beta=0),
        "alpha or beta other than 1",
    ),
    "rounded-quotient": (
        lambda x, w: torch.div(x, 2.0, rounding_mode="floor"),
        "rounding_mode 'floor'",
    ),
    "whole-numbers": (
        lambda x, w: ATEN._to_copy(ATEN._to_copy(x, dtype=torch.int32), dtype=torch.float32),
        "to another type than a floating-point one",
    ),
    "statistics-of-the-batch": (
        lambda x, w: torch.batch_norm(x, *_four(w), True, 0.1, 1e-5, False),
        r"of the batch's own statistics \(export behind \.eval\(\)\); allowed: of running ones",
    ),
    "alpha-of-rsub": (lambda x, w: ATEN.rsub(x, 1.0, 2), "alpha other than 1"),
    "random-constants": (
        lambda x, w: x * torch.rand(6, 1, 1),
        "aten.rand '.*': not supported; supported: aten",
    ),
    "constants-in-place": (lambda x, w: x + w.exp_().mean(), "aten.exp '.*': input 0 is no tensor"),
    "unset-constants": (
        lambda x, w: x + torch.empty(1),
        "aten.empty '.*': not supported",
    ),
    "huge-constants": (
        lambda x, w: x + w.repeat(1 << 9, 1 << 9, 1 << 3, 1).mean(),
        r"aten.repeat '.*': \d+ elements; allowed: 268435456$",
    ),
    "slice-of-images": (
        lambda x, w: x[1:],
        r"axis 0 of a tensor \[2, 6, 8, 12\]; allowed: channels, height and width",
    ),
    "slice-of-five-sizes": (lambda x, w: x.view(2, 2, 3, 8, 12)[:, 1:], "axis 1 of a tensor"),
    "chunk-of-images": (lambda x, w: x.chunk(2)[1], "axis 0 of a tensor"),
    "slice-of-nothing": (lambda x, w: x[:, 4:4], "begin .* leave an element"),
    "constant-in-parts": (
        lambda x, w: x + w.mean((0, 2, 3)).split(1)[1],
        "output 1 of .*; allowed: the first",
    ),
    "alpha-of-add": (lambda x, w: torch.add(x, x.relu(), alpha=2), "alpha other than 1"),
    "no-statistics": (
        lambda x, w: torch.batch_norm(x, None, None, None, None, True, 0.1, 1e-5, False),
        "without running statistics",
    ),
    "divisor": (lambda x, w: f.avg_pool2d(x, 2, divisor_override=3), "divisor_override"),
    "adaptive": (
        lambda x, w: f.adaptive_avg_pool2d(x, (3, 5)),
        r"to \[3, 5\] of \[8, 12\]; allowed: to 1 by 1, or to what divides the size",
    ),
    "mean-of-all": (lambda x, w: x.mean(), "over all axes; allowed: whole planes"),
    "mean-of-no-axes": (lambda x, w: x.mean([]), "over all axes; allowed: whole planes"),
    "mean-of-channels": (lambda x, w: x.mean(1), r"over axes \[1\] of a tensor \[2, 6, 8, 12\]"),
    "cat-of-constants": (lambda x, w: torch.cat([x.view(2, -1), w.view(2, -1)], 1), "of constants"),
    "cat-of-rows": (lambda x, w: torch.cat([x, x], 2), "axis 2 .*; allowed: 1, the channels"),
    "pad-of-channels": (lambda x, w: f.pad(x, (0, 0, 0, 0, 1, 1)), "of 4 axes; allowed: four, of"),
    "pad-of-features": (lambda x, w: f.pad(x.mean((2, 3)), (1, 1)), "of 2 axes; allowed: four, of"),
    "layer-norm-of-columns": (
        lambda x, w: f.layer_norm(x, [12]),
        r"over the last 1 axes of a tensor \[2, 6, 8, 12\]; allowed: the channels",
    ),
    "layer-norm-by-elements": (
        lambda x, w: f.layer_norm(
            x, [6, 8, 12], w.flatten()[:1] * x.new_tensor(range(576)).view(6, 8, 12)
        ),
        "one for each element; allowed: for each channel",
    ),
    "no-epsilon": (lambda x, w: f.group_norm(x, 2, eps=0), "eps: 0"),
    "space-to-depth-of-columns-first": (
        lambda x, w: f.pixel_unshuffle(x.transpose(2, 3), 2),
        "elements in another order|needed: a map",
    ),
    "border-read": (
        lambda x, w: f.pad(x, (1, 1), value=float("-inf")).relu(),
        "of the border of .*, of -inf; allowed: as the padding of a max pool",
    ),
    "shuffle-of-features": (
        lambda x, w: ATEN.channel_shuffle(x.flatten(2), 2),
        r"3 dimensions; allowed: \[N, C, H, W\]",
    ),
    "softmax-of-planes": (lambda x, w: x.softmax(1), "needed: features|allowed: axis 1 of feat"),
    "divided-by-a-tensor": (lambda x, w: x / (x * x + 1), "by a tensor; allowed: by a constant"),
    "divided-by-zero": (lambda x, w: x / 0.0, "which has zeros"),
    "constant-per-column": (
        lambda x, w: x.view(2, 8, 12, 6) * w.mean((1, 2, 3)),
        r"a tensor .* and the constant .*; allowed: a number, or one for each channel",
    ),
    "limits": (
        lambda x, w: torch.maximum(x, w.mean((0, 2, 3)).view(6, 1, 1)),
        r"the constant .* \[6, 1, 1\]; allowed: a single number",
    ),
    "limits-of-several": (
        lambda x, w: torch.clamp(x, min=w.mean((0, 2, 3)).view(6, 1, 1)),
        "several elements; needed: one",
    ),
    "not-finite": (
        lambda x, w: x * (w.mean((0, 2, 3)) / 0).view(6, 1, 1),
        "a number that is not finite",
    ),
    "one-image-for-all": (
        lambda x, w: x + x.mean((2, 3)).view(1, 12, 1, 1).view(1, 2, 6, 1),
        "no broadcast|torch.export cannot trace",
    ),
    "planes-and-rows": (
        lambda x, w: x + x.view(2, 6, 1, 96).relu().view(2, 6, 12, 8).mean((2,), keepdim=True),
        r"allowed: of one shape, or \[N, C, H, W\] and \[N, C, 1, 1\]|torch.export cannot|over axes",
    ),
    "selected-image": (lambda x, w: x[1], "one of the images; allowed: of another axis"),
    "stack-of-rows": (
        lambda x, w: torch.stack([x, x], 2).view(2, 6, 16, 12),
        "along axis 2 of a tensor .*; allowed: along axis 1",
    ),
    "stack-of-constants": (
        lambda x, w: torch.stack([x[:1], w[:1, :, :1, :1].expand(1, 6, 8, 12)], 1),
        "of constants|axis 0",
    ),
    "softmax-over-three": (
        lambda x, w: x.mean((2, 3)).view(2, 3, 2, 1).softmax(1),
        "over 3 groups of channels; allowed: 2",
    ),
    "sum-of-columns": (lambda x, w: x.sum(3), r"over axes \[3\] of a tensor"),
    "second-output": (
        lambda x, w: f.max_pool2d(x, 2, return_indices=True)[1].float(),
        "output 1 of .*; allowed: the first",
    ),
    "unknown": (lambda x, w: torch.special.i0(x), "aten.special_i0 '.*': not supported"),
    "threshold-of-softplus": (
        lambda x, w: f.softplus(x, 1, 3),
        "beta 1.0, threshold 3.0; allowed: above 0, and 17 and more",
    ),
    "root": (lambda x, w: x**0.5, r"exponent 0.5; allowed: 1, 2, 3"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_no_node_computes_is_refused_by_its_reason(name: str) -> None:
    function, words = REFUSED[name]
    module = Called(function, w=drawn(6, 6, 2, 2).abs() + 1)
    with pytest.raises(ColonnadeError, match=words) as refused:
        import_module(module, [drawn(*MAP)], "net")
    assert str(refused.value).startswith("net: ")


def test_inputs_of_whole_numbers_are_refused() -> None:
    with pytest.raises(ColonnadeError, match=r"input 'inputs_0' is no tensor of floating-point"):
        import_module(Called(lambda x: x + 1), [torch.ones(MAP, dtype=torch.int64)])


def test_inputs_of_another_rank_are_refused() -> None:
    with pytest.raises(ColonnadeError, match=r"is \[2, 6, 8\]; needed: \[N, C, H, W\] or \[N, C\]"):
        import_module(Called(lambda x: x.relu()), [drawn(2, 6, 8)])


@pytest.mark.parametrize("seed", [5], ids="seed{}".format)
def test_sizes_that_vary_are_those_of_the_example(seed: int) -> None:
    net, x = nn.Sequential(nn.Conv2d(6, 4, 3), nn.ReLU()).eval(), drawn(*MAP, seed=seed)
    batch = torch.export.Dim("batch", min=1, max=64)
    program = torch.export.export(net, (x,), dynamic_shapes=({0: batch},))
    assert program.range_constraints
    imported = import_program(program, "net")
    with torch.no_grad():
        assert_equal(outputs(imported, [x.numpy()]), [net(x).numpy()], 1e-5)


def opened(function: Function, **constants: Tensor) -> torch.export.ExportedProgram:
    """A program that takes images of any number, height and width."""
    height, width = (torch.export.Dim(each, min=8, max=512) for each in ("height", "width"))
    sizes = ({0: torch.export.Dim("batch", min=1, max=64), 2: height, 3: width},)
    return torch.export.export(
        Called(function, **constants), (drawn(*MAP),), dynamic_shapes={"inputs": sizes}
    )


def _shuffled(x: Tensor) -> Tensor:
    """As torchvision's ShuffleNet-V2 has it."""
    return x.view(x.shape[0], 2, 3, x.shape[2], x.shape[3]).transpose(1, 2).reshape(x.shape)


OPEN: dict[str, Function] = {
    "pooled-to-one": lambda x: f.adaptive_avg_pool2d(x, 1).flatten(1),
    "viewed-as-images": lambda x: f.adaptive_max_pool2d(x, 1).view(x.shape[0], -1),
    "twice-as-large": lambda x: f.interpolate(x, scale_factor=2),
    "sliced": lambda x: x[:, -4:, 1::2, :-3],
    "sliced-to-one-size": lambda x: x[..., :7, 2:8],
    "split": lambda x: x.split(2, 1)[1].chunk(2, 1)[0],
    "to-one-size": lambda x: f.interpolate(x, (11, 13), mode="bilinear"),
    "shuffled": _shuffled,
    # Its height and width are computed from those of the images.
    "half-as-large-and-shuffled": lambda x: _shuffled(f.max_pool2d(x, 3, 2, 1)),
}


@pytest.mark.parametrize("seed", [7], ids="seed{}".format)
@pytest.mark.parametrize("name", OPEN)
def test_programs_of_any_size_compute_what_pytorch_does_at_another(name: str, seed: int) -> None:
    imported, x = import_program(opened(OPEN[name]), "net"), drawn(3, 6, 15, 10, seed=seed)
    assert_equal(outputs(imported, [x.numpy()]), [OPEN[name](x).numpy()], 1e-5)


OF_ONE_SIZE: dict[str, Function] = {
    "average": lambda x: f.adaptive_avg_pool2d(x, 4),
    "largest": lambda x: f.adaptive_max_pool2d(x, (2, 4)),
    "sliced-to-its-size": lambda x: f.interpolate(x, scale_factor=2)[..., : x.shape[3]],
    "narrow-of-its-size": lambda x: x.narrow(3, 0, x.shape[3] - 1),
    "its-size": lambda x: f.adaptive_avg_pool2d(x, (8, 12)),
    "viewed-as-computed-sizes": lambda x: x.reshape(x.shape[0], 3, x.shape[2] * 2, x.shape[3]),
    "times-its-size": lambda x: x * x.shape[2],
    "times-its-number": lambda x: x * x.shape[0],
    "times-twice-its-size": lambda x: x * (x.shape[2] * 2),
    "as-large-as-another": lambda x: f.interpolate(f.avg_pool2d(x, 2), x.shape[2:]),
    "recomputed": lambda x: f.interpolate(x, scale_factor=1.5, recompute_scale_factor=True),
}


def test_parts_of_one_shuffle_or_flat_map_share_it() -> None:
    shuffled = import_module(
        Called(lambda x: [each.relu() for each in f.channel_shuffle(x, 2).chunk(3, 1)]),
        [drawn(*MAP)],
    )
    assert sorted(node.op for node in shuffled.graph.nodes) == [
        "channel_shuffle",
        *["slice"] * 3,
        *["unary"] * 3,
    ]
    flat = import_module(Called(lambda x: list(x.flatten(1).split(200, 1))), [drawn(*MAP)])
    assert sorted(node.op for node in flat.graph.nodes) == ["flatten", "slice", "slice", "slice"]


FIXED: dict[str, Function] = {
    "adaptive": lambda x: f.adaptive_avg_pool2d(x, (4, 3)),
    "to-a-size": lambda x: f.interpolate(x, (16, 24)),
    "padded": lambda x: f.pad(x, (0, x.shape[3] % 5)),
    "cut": lambda x: x[:, :, : x.shape[2] // 2],
    "cut-behind": lambda x: x[..., x.shape[3] // 2 :],
    "in-parts": lambda x: x.chunk(2, 2)[0],
    "whole-plane": lambda x: f.avg_pool2d(x, x.shape[2:]),
}
OF_ANY_SIZE: dict[str, Function] = {
    **OPEN,
    "twice-as-large-again": lambda x: f.interpolate(x, scale_factor=2).relu(),
    "every-other": lambda x: x[..., 1::2, ::2][..., -3:],
    "of-channels": lambda x: x.chunk(2, 1)[1],
    "of-features": lambda x: x.mean((2, 3), keepdim=True)[:, 2:, :1].flatten(1),
}
for _name in ("to-one-size", "sliced-to-one-size"):
    del OF_ANY_SIZE[_name]


@pytest.mark.parametrize("name", [*FIXED, *OF_ANY_SIZE])
def test_programs_of_one_size_say_where_their_numbers_may_follow_from_it(name: str) -> None:
    imported = import_module(Called((FIXED | OF_ANY_SIZE)[name]), [drawn(*MAP)])
    (image,) = imported.graph.inputs
    assert (image.size, image.fixed) == ((8, 12), name in FIXED)
    assert imported.graph.shapes(3, 8, 12)
    if image.fixed:
        with pytest.raises(ValueError, match="input 'inputs_0' is 16 by 16; needed: 8 by 12: the"):
            imported.graph.shapes(1, 16)
    else:
        assert imported.graph.shapes(1, 16)


def test_programs_that_leave_sizes_open_take_any_with_what_would_be_fixed_otherwise() -> None:
    for function in (lambda x: f.pad(x, (0, 2)), lambda x: f.interpolate(x, (5, 4))):
        (image,) = import_program(opened(function), "net").graph.inputs
        assert not image.fixed


@pytest.mark.parametrize("name", OF_ONE_SIZE)
def test_what_follows_from_a_size_that_varies_is_refused(name: str) -> None:
    program = opened(OF_ONE_SIZE[name])
    with pytest.raises(ColonnadeError, match=r"net: .* from a size that is left open; needed: fix"):
        import_program(program, "net")


def test_constants_that_touch_a_file_are_not_computed(tmp_path: Path) -> None:
    path = tmp_path / "made"
    program = torch.export.export(Called(lambda x: x + torch.ones(1)), (drawn(*MAP),))
    ones = next(node for node in program.graph.nodes if node.target == ATEN.ones.default)
    ones.target, ones.args, ones.kwargs = ATEN.from_file.default, (str(path), True, 1), {}
    with pytest.raises(ColonnadeError, match=r"aten\.from_file '.*': not supported"):
        import_program(program, "net")
    assert not path.exists()


@pytest.mark.parametrize("seed", [8], ids="seed{}".format)
@pytest.mark.parametrize("norm", ["weight_norm", "spectral_norm"])
def test_normalised_weights_are_folded(norm: str, seed: int) -> None:
    torch.manual_seed(seed)
    normalised = getattr(nn.utils.parametrizations, norm)(nn.Conv2d(6, 4, 3))
    module, x = normalised.eval(), drawn(*MAP, seed=seed)
    imported = import_module(module, [x])
    assert len(imported.graph.nodes) == 1
    with torch.no_grad():
        assert_equal(outputs(imported, [x.numpy()]), [module(x).numpy()], 1e-5)


@pytest.mark.parametrize("seed", [6], ids="seed{}".format)
def test_bfloat16_weights_are_widened(seed: int) -> None:
    module, x = nn.Conv2d(6, 4, 3).bfloat16(), drawn(*MAP, seed=seed)
    imported = import_module(module, [x.bfloat16()])
    wide = nn.Conv2d(6, 4, 3)
    wide.load_state_dict({key: each.float() for key, each in module.state_dict().items()})
    with torch.no_grad():
        assert_equal(outputs(imported, [x.numpy()]), [wide(x).numpy()], 1e-5)


def test_a_module_that_was_training_goes_on_training() -> None:
    module = nn.Sequential(nn.Conv2d(6, 4, 3), nn.BatchNorm2d(4)).train()
    import_module(module, [drawn(*MAP)])
    assert module.training
    assert module[1].training


@pytest.mark.parametrize("decomposed", [False, True], ids=["as it is", "decomposed"])
def test_programs_of_training_say_how_to_export(decomposed: bool) -> None:
    module = nn.Sequential(nn.Conv2d(6, 4, 3), nn.BatchNorm2d(4), nn.Dropout(0.5)).train()
    program = torch.export.export(module, (drawn(*MAP),))
    program = program.run_decompositions() if decomposed else program
    with pytest.raises(ColonnadeError, match=r"batch_norm.* behind \.eval\(\)") as refused:
        import_program(program, "net")
    assert "supported" not in str(refused.value)


def test_a_program_that_is_missing_is_told(tmp_path: Path) -> None:
    with pytest.raises(ColonnadeError, match=r"gone\.pt2: no such file"):
        read_pt2(tmp_path / "gone.pt2")
    (tmp_path / "folder.pt2").mkdir()
    with pytest.raises(ColonnadeError, match=r"folder\.pt2: a folder; needed: a file of torch"):
        read_pt2(tmp_path / "folder.pt2")


def test_programs_are_held_to_tensors_only_while_they_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "net.pt2"
    torch.export.save(torch.export.export(Called(torch.relu), (drawn(*MAP),)), path)
    for before in (None, "0"):
        if before is None:
            monkeypatch.delenv("TORCH_FORCE_WEIGHTS_ONLY_LOAD", raising=False)
        else:
            monkeypatch.setenv("TORCH_FORCE_WEIGHTS_ONLY_LOAD", before)
        assert len(read_pt2(path).graph.nodes) == 1
        assert os.environ.get("TORCH_FORCE_WEIGHTS_ONLY_LOAD") == before
    monkeypatch.setattr(torch_reader, "MAX_JSON", 10)
    with pytest.raises(ColonnadeError, match=r"net\.pt2: .*\.json: too large"):
        read_pt2(path)
