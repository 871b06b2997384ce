# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""The distillation loss against its definition, written down with logarithms and sums."""

import copy

import pytest
import torch
from torch.nn.functional import cross_entropy

from colonnade.config.pruning import Distillation
from colonnade.models.resnet import build
from colonnade.training.distillation import STAGES, Teacher
from colonnade.training.hardware import Hardware

IMAGES = torch.randn(4, 3, 32, 32, generator=torch.Generator().manual_seed(1))
LABELS = torch.tensor([0, 1, 2, 1])


@pytest.fixture(scope="module")
def networks() -> tuple[torch.nn.Module, torch.nn.Module]:
    torch.manual_seed(2)
    return build("resnet18", 3).eval(), build("resnet18", 3).eval()


def _loss(
    networks: tuple[torch.nn.Module, torch.nn.Module], config: Distillation
) -> tuple[float, torch.Tensor]:
    student, dense = networks
    teacher = Teacher(copy.deepcopy(dense), config, Hardware())
    loss, logits = teacher.loss(student, student, IMAGES, LABELS, smoothing=0)
    return loss.item(), logits


def test_loss_is_that_of_hinton(networks: tuple[torch.nn.Module, torch.nn.Module]) -> None:
    seen, logits = _loss(networks, Distillation(temperature=3, weight=0.6))
    with torch.no_grad():
        ours, theirs = ((network(IMAGES) / 3).softmax(1).double() for network in networks)
        divergence = (theirs * (theirs / ours).log()).sum(1).mean()
        hard = cross_entropy(logits, LABELS)
    assert seen == pytest.approx(float(0.4 * hard + 0.6 * 9 * divergence), rel=1e-4)


def test_features_are_the_four_stages(networks: tuple[torch.nn.Module, torch.nn.Module]) -> None:
    base, _ = _loss(networks, Distillation())
    seen, _ = _loss(networks, Distillation(features=2))
    apart = []
    with torch.no_grad():
        outputs = []
        for network in networks:
            x = network.get_submodule("conv1")(IMAGES)
            x = network.get_submodule("maxpool")(network.get_submodule("bn1")(x).relu())
            for name in STAGES:
                x = network.get_submodule(name)(x)
                outputs.append(x)
        for own, other in zip(outputs[:4], outputs[4:], strict=True):
            apart.append((own - other).square().mean() / other.square().mean())
    assert seen - base == pytest.approx(2 * float(torch.stack(apart).mean()), rel=1e-3)


def test_a_teacher_teaches_itself_nothing_new(
    networks: tuple[torch.nn.Module, torch.nn.Module],
) -> None:
    config = Distillation(weight=1, features=1)
    seen, _ = _loss((networks[1], networks[1]), config)
    assert seen == pytest.approx(0, abs=1e-5)


def test_the_teacher_does_not_learn(networks: tuple[torch.nn.Module, torch.nn.Module]) -> None:
    student, dense = copy.deepcopy(networks[0]), copy.deepcopy(networks[1])
    teacher = Teacher(dense, Distillation(features=1), Hardware())
    student.train()
    before = {key: value.clone() for key, value in dense.state_dict().items()}
    loss, _ = teacher.loss(student, student, IMAGES, LABELS, smoothing=0.1)
    loss.backward()  # type: ignore[no-untyped-call]
    assert all(parameter.grad is None for parameter in dense.parameters())
    assert all(torch.equal(value, before[key]) for key, value in dense.state_dict().items())
    assert student.get_submodule("layer1.0.conv1").weight.grad is not None
