"""Which model a run measures. Only names are handled here, so torch is not needed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from serving.errors import ConfigError

RESNETS = ("resnet152", "resnet18")
TRAINED = ("efficientnet-lite0",)
WEIGHTS = ("seeded", "pretrained")
PHOTOGRAPHS = Path(__file__).with_name("photographs")


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelChoice:
    """One model."""

    name: str
    weights: str
    """seeded, pretrained, trained (they come in a package) or file."""
    path: Path | None = None
    """The user's own TorchScript file, where the model is one."""

    @classmethod
    def parse(cls, model: str, weights: str) -> ModelChoice:
        """Return the choice that the options `--perf-model` and `--perf-weights` make.

        Raises ConfigError where there is no such model, weights or file.
        """
        if weights not in WEIGHTS:
            raise ConfigError(
                f"--perf-weights {weights}: no such weights; known: {', '.join(WEIGHTS)}"
            )
        if model in RESNETS:
            return cls(name=model, weights=weights)
        if model in TRAINED:
            return cls(name=model, weights="trained")
        path = Path(model)
        if path.suffix != ".pt":
            known = ", ".join((*RESNETS, *TRAINED))
            raise ConfigError(
                f"--perf-model {model}: no such model; known: {known}, or a path to a "
                "TorchScript file that ends in .pt"
            )
        try:
            is_file = path.is_file()
        except OSError as error:  # it is too long, or lies where we may not look
            raise ConfigError(f"--perf-model {model}: {error.strerror}") from None
        if not is_file:
            raise ConfigError(f"--perf-model {model}: there is no such file")
        name = re.sub(r"[^A-Za-z0-9_-]", "-", path.stem)
        return cls(name=name, weights="file", path=path.resolve())


def photographs() -> tuple[Path, ...]:
    """Return the images that come with the suite, in a fixed order."""
    return tuple(sorted(PHOTOGRAPHS.glob("*.jpg")))
