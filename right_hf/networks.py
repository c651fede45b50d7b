"""The networks of a model's parts, which lie on devices."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from typing_extensions import Self

from right_hf.checks import check_device
from right_hf.component import Component


class OnDevices:
    """What consists of parts with networks."""

    @property
    def parts(self) -> Mapping[str, Component]:
        """The parts that there are, by role."""
        raise NotImplementedError

    @property
    def _networks(self) -> list[Any]:
        """The networks of all parts, the generator's first."""
        parts = sorted(self.parts, key=lambda role: role != "generator")
        return [network for role in parts for network in self.parts[role].networks]

    @property
    def _weights(self) -> torch.Tensor:
        """The first weights of the generator, or of the first network there is."""
        weights = (parameter for network in self._networks for parameter in network.parameters())
        return next(weights, torch.zeros(0))

    @property
    def device(self) -> torch.device:
        """The device of the generator, or of the first network there is."""
        return self._weights.device

    @property
    def dtype(self) -> torch.dtype:
        """The dtype of the generator's weights, or of the first network's."""
        return self._weights.dtype

    @property
    def hf_device_map(self) -> Any:
        """How an LLM is spread over devices; None where none is."""
        maps = (getattr(network, "hf_device_map", None) for network in self._networks)
        return next((found for found in maps if found is not None), None)

    def to(self, device: str | torch.device) -> Self:
        """Moves the networks of all parts, but for those that are spread over devices."""
        check_device(device)
        for network in self._networks:
            if getattr(network, "hf_device_map", None) is None:
                network.to(device)
        return self
