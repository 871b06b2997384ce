# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""What stands at the end of a phase in the place of the last step's weights and running statistics."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn, update_bn

from colonnade.training.hardware import Hardware


class WeightAverage:
    """An exponential moving average of a model's weights and buffers, begun after the first step.

    After every step it becomes `share` * average + (1 - `share`) * weights. Without a share it is
    no average: the model stays as it is.
    """

    def __init__(self, model: nn.Module, share: float | None) -> None:
        self._model = model
        self._average: AveragedModel | None = None
        if share is not None:
            average = get_ema_multi_avg_fn(share)  # type: ignore[no-untyped-call]
            self._average = AveragedModel(model, multi_avg_fn=average, use_buffers=True)

    def after_step(self) -> None:
        """Call after every step of the optimizer."""
        if self._average is not None:
            self._average.update_parameters(self._model)

    def adopt(self) -> None:
        """Put the average into the model, for good; from then on there is none."""
        self._show()
        self._average = None

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Within, the model has the average; its own values come back after."""
        if self._average is None:
            yield
            return
        own = {name: value.clone() for name, value in self._model.state_dict().items()}
        self._show()
        try:
            yield
        finally:
            self._model.load_state_dict(own)

    def _show(self) -> None:
        if self._average is not None and self._average.n_averaged:
            self._model.load_state_dict(self._average.module.state_dict())

    def state_dict(self) -> dict[str, Any] | None:
        """What `load_state_dict` needs to continue."""
        return None if self._average is None else self._average.state_dict()

    def load_state_dict(self, state: dict[str, Any] | None) -> None:
        """Continue from a state."""
        if self._average is not None and state is not None:
            self._average.load_state_dict(state)


def renew_norms(
    model: nn.Module, batches: Iterable[tuple[Tensor, Tensor]], hardware: Hardware
) -> None:
    """Take the statistics of all batch norms anew: plain means over `batches` of training images.

    The model is left in evaluation mode.
    """
    placed = (hardware.images(images) for images, _ in batches)
    with hardware.precision():
        update_bn(placed, model)
    model.eval()
