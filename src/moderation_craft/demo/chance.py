"""Seeded chance: every topic draws from a stream of its own, so that one change moves nothing else."""

from __future__ import annotations

import random
import uuid
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


class Chance(random.Random):
    """A random stream named by its labels; equal labels give equal draws on every machine."""

    def __new__(cls, *_labels: object) -> Chance:
        return super().__new__(cls)

    def __init__(self, *labels: object) -> None:
        self._name = "/".join(str(label) for label in labels)
        super().__init__(self._name)

    def on(self, *labels: object) -> Chance:
        """The stream for a topic below this one, independent of what was drawn here."""
        return Chance(self._name, *labels)

    def id(self) -> str:
        """A UUID (version 4) as text."""
        return str(uuid.UUID(int=self.getrandbits(128), version=4))

    def noise(self, sd: float) -> float:
        return self.gauss(0.0, sd)

    def ar1(self, length: int, phi: float, sd: float) -> list[float]:
        """A stationary AR(1) series of mean 0 and standard deviation `sd` (of the series, not the shocks)."""
        shock_sd = sd * (1 - phi * phi) ** 0.5
        values = [self.noise(sd)]
        while len(values) < length:
            values.append(phi * values[-1] + self.noise(shock_sd))
        return values[:length]

    def some_of(self, candidates: Sequence[T], share: float) -> list[T]:
        """About a share of the candidates, in their order, at least one where there are any."""
        picked = [candidate for candidate in candidates if self.random() < share]
        return picked or ([self.choice(candidates)] if candidates else [])


def apportion(total: int, weights: Sequence[float]) -> list[int]:
    """Whole numbers proportional to the weights that add up to the total (largest remainder)."""
    scale = total / sum(weights)
    shares = [int(weight * scale) for weight in weights]
    by_remainder = sorted(range(len(weights)), key=lambda index: shares[index] - weights[index] * scale)
    for index in by_remainder[: total - sum(shares)]:
        shares[index] += 1
    return shares


def clamp(value: float, low: float, high: float) -> float:
    return max(low, min(high, value))
