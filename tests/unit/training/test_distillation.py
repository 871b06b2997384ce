# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""The distillation loss against its definition, written down with logarithms and sums."""

import copy

import pytest
import torch
from torch.nn.functional import cross_entropy

from colonnade.config.pruning import Distillation
from colonnade.models.module import Network, build
from colonnade.training.distillation import Teacher
from colonnade.training.hardware import Hardware

IMAGES = torch.randn(4, 3, 32, 32, generator=torch.Generator().manual_seed(1))
LABELS = torch.tensor([0, 1, 2, 1])


@pytest.fixture(scope="module")
def networks() -> tuple[Network, Network]:
    torch.manual_seed(2)
    return build("resnet18", 3).eval(), build("resnet18", 3).eval()


def _loss(networks: tuple[Network, Network], config: Distillation) -> tuple[float, torch.Tensor]:
    student, dense = networks
    teacher = Teacher(copy.deepcopy(dense), config, Hardware())
    loss, logits = teacher.loss(student, student, IMAGES, LABELS, smoothing=0)
    return loss.item(), logits


def test_loss_is_that_of_hinton(networks: tuple[Network, Network]) -> None:
    seen, logits = _loss(networks, Distillation(temperature=3, weight=0.6))
    with torch.no_grad():
        ours, theirs = ((network(IMAGES) / 3).softmax(1).double() for network in networks)
        divergence = (theirs * (theirs / ours).log()).sum(1).mean()
        hard = cross_entropy(logits, LABELS)
    assert seen == pytest.approx(float(0.4 * hard + 0.6 * 9 * divergence), rel=1e-4)


def _stages(network: torch.nn.Module) -> list[torch.Tensor]:
    """Outputs of the four stages of a ResNet-18, from its layers one by one."""
    layer = network.get_submodule
    x = layer("maxpool")(layer("bn1")(layer("conv1")(IMAGES)).relu())
    outputs = []
    for stage in range(1, 5):
        for block in (f"layer{stage}.0", f"layer{stage}.1"):
            branch = layer(f"{block}.bn1")(layer(f"{block}.conv1")(x)).relu()
            branch = layer(f"{block}.bn2")(layer(f"{block}.conv2")(branch))
            if block.endswith("0") and stage > 1:
                x = layer(f"{block}.downsample.1")(layer(f"{block}.downsample.0")(x))
            x = (branch + x).relu()
        outputs.append(x)
    return outputs


def test_features_are_the_four_stages(networks: tuple[Network, Network]) -> None:
    base, _ = _loss(networks, Distillation())
    seen, _ = _loss(networks, Distillation(features=2))
    with torch.no_grad():
        ours, theirs = map(_stages, networks)
        apart = [
            (own - other).square().mean() / other.square().mean()
            for own, other in zip(ours, theirs, strict=True)
        ]
    assert len(apart) == 4
    assert seen - base == pytest.approx(2 * float(torch.stack(apart).mean()), rel=1e-3)


def test_a_teacher_teaches_itself_nothing_new(
    networks: tuple[Network, Network],
) -> None:
    config = Distillation(weight=1, features=1)
    seen, _ = _loss((networks[1], networks[1]), config)
    assert seen == pytest.approx(0, abs=1e-5)


def test_the_teacher_does_not_learn(networks: tuple[Network, Network]) -> None:
    student, dense = copy.deepcopy(networks[0]), copy.deepcopy(networks[1])
    teacher = Teacher(dense, Distillation(features=1), Hardware())
    student.train()
    before = {key: value.clone() for key, value in dense.state_dict().items()}
    loss, _ = teacher.loss(student, student, IMAGES, LABELS, smoothing=0.1)
    loss.backward()  # type: ignore[no-untyped-call]
    assert all(parameter.grad is None for parameter in dense.parameters())
    assert all(torch.equal(value, before[key]) for key, value in dense.state_dict().items())
    assert student.get_submodule("layer1.0.conv1").weight.grad is not None
