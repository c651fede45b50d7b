"""The networks of a model's parts, which lie on devices."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from typing_extensions import Self

from right_hf.checks import check_device
from right_hf.component import Component
from right_hf.deferred import Deferred, made


class OnDevices:
    """What consists of parts with networks."""

    _parts: dict[str, Any]

    @property
    def parts(self) -> Mapping[str, Component]:
        """The parts that there are, by role; one that was not loaded yet is loaded."""
        return {role: made(part) for role, part in self._parts.items() if part is not None}

    @property
    def _waiting(self) -> list[Deferred[Any]]:
        """The parts that nobody has asked for yet."""
        return [part for part in self._parts.values() if isinstance(part, Deferred) and part.loaded is None]

    @property
    def networks(self) -> list[Any]:
        """The networks of all parts that are loaded, the generator's first."""
        waiting = self._waiting
        parts = {role: part for role, part in self._parts.items() if part is not None and part not in waiting}
        return [network for role in _generator_first(parts) for network in made(parts[role]).networks]

    @property
    def device(self) -> Any:
        """The `torch.device` of the generator, or of the first network there is."""
        import torch

        for part in self._waiting:
            return torch.device(part.device)
        return _weights(self.networks).device

    @property
    def dtype(self) -> Any:
        """The `torch.dtype` of the generator's weights, or of the first network's."""
        parts = self.parts
        return _weights(network for role in _generator_first(parts) for network in parts[role].networks).dtype

    @property
    def hf_device_map(self) -> Any:
        """How an LLM is spread over devices; None where none is."""
        maps = (getattr(network, "hf_device_map", None) for network in self.networks)
        return next((found for found in maps if found is not None), None)

    def to(self, device: Any) -> Self:
        """Moves the networks of all parts, but for those that are spread over devices.

        Args:
            device: A `torch.device` or the name of one.

        Raises:
            ValueError: There is no such device.
        """
        check_device(device)
        for part in self._waiting:
            part.to(device)
        for network in self.networks:
            if getattr(network, "hf_device_map", None) is None:
                network.to(device)
        return self


def _generator_first(roles: Iterable[str]) -> list[str]:
    return sorted(roles, key=lambda role: role != "generator")


def _weights(networks: Iterable[Any]) -> Any:
    """The first weights of the first network that has some."""
    import torch

    return next((parameter for network in networks for parameter in network.parameters()), torch.zeros(0))
