"""The table of scenarios and profiles: reads scenarios.toml and refuses what is wrong."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PositiveInt,
    ValidationError,
    model_validator,
)

from serving.device import Device
from serving.engines import DEFAULT
from serving.environment import Allocator
from serving.errors import ConfigError
from serving.spec import ServerSpec

TABLE = Path(__file__).parents[1] / "scenarios.toml"
REFERENCE = "decentralized"
MAIN = "main"
"""The family of rows that are measured where none is asked for."""
# The first answers of a worker are slow: TorchScript profiles them and optimises then.
_WARM_UP_BATCHES = 2


class Scenario(BaseModel):
    """One row of the table, as it is written there."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    arm: Literal["decentralized", "decentralized-shared", "decentralized-pool", "served"]
    jobs: PositiveInt | Literal["cores", "profile"] = "profile"
    tolerance: float = Field(gt=0, lt=1)
    profiles: tuple[str, ...] | None = Field(default=None, strict=False)
    family: str = Field(default=MAIN, pattern=r"^[a-z]+$")
    backend: str = "torchserve"
    engine: str = DEFAULT
    workers: PositiveInt | None = None
    threads_per_worker: PositiveInt | None = None
    preprocess_threads: PositiveInt = 1
    allocator: Allocator = "retain"
    wire: Literal["jpeg", "tensor"] = "jpeg"
    batch_size: PositiveInt = 1
    batch_delay_ms: int = Field(default=100, ge=0)
    queue_size: PositiveInt = 100
    response_timeout_s: PositiveInt = 200
    block_factor: PositiveInt = 1

    @model_validator(mode="after")
    def _served_has_workers(self) -> Self:
        if (self.arm == "served") != (self.workers is not None):
            raise ValueError("a served row needs workers, the others have none")
        if self.arm != "served" and self.engine != DEFAULT:
            raise ValueError(f"without a server only the engine {DEFAULT} is run")
        return self

    @model_validator(mode="after")
    def _the_stock_handler_decodes_photographs(self) -> Self:
        stock = (self.backend, self.engine) == ("torchserve", DEFAULT)
        if stock and (self.preprocess_threads, self.wire) != (1, "jpeg"):
            raise ValueError(
                "TorchServe's own handler takes photographs, one after the other: "
                "preprocess_threads and wire need another engine"
            )
        return self

    def measured_in(self, profile: str, cores: int) -> bool:
        """Return whether a profile measures the row on a machine with `cores` cores.

        More workers than cores are worth measuring only as the article did.
        """
        if self.profiles is not None:
            return profile in self.profiles
        return profile == "article" or self.workers is None or self.workers <= cores

    def warm_up_images(self, cores: int) -> int:
        """Return how many images warm up a launch: some batches for every worker."""
        if self.workers is None:
            return cores
        return _WARM_UP_BATCHES * self.batch_size * self.workers

    def server_spec(
        self, cores: int, startup_timeout_s: int, device: Device = "cpu"
    ) -> ServerSpec:
        """Return what the row asks of its server on a machine with `cores` cores."""
        assert self.workers is not None
        return ServerSpec(
            workers=self.workers,
            threads_per_worker=self.threads_per_worker or max(1, cores // self.workers),
            preprocess_threads=self.preprocess_threads,
            allocator=self.allocator,
            device=device,
            batch_size=self.batch_size,
            batch_delay_ms=self.batch_delay_ms,
            queue_size=self.queue_size,
            response_timeout_s=self.response_timeout_s,
            startup_timeout_s=startup_timeout_s,
        )


class Profile(BaseModel):
    """How much a run measures; the fields are explained in scenarios.toml."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    model: str
    jobs: PositiveInt
    block_images: PositiveInt
    reference_images: PositiveInt
    pairs: PositiveInt
    launches: PositiveInt
    budget_min: PositiveInt | None = None

    def launches_before(self) -> frozenset[int]:
        """Return the numbers of the pairs that begin a launch, as even as can be."""
        share = self.pairs / self.launches
        return frozenset(math.ceil(launch * share) for launch in range(self.launches))


class Table(BaseModel):
    """The whole file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    scenario: tuple[Scenario, ...]
    profile: Mapping[str, Profile]

    @model_validator(mode="after")
    def _names_differ(self) -> Self:
        names = [row.name for row in self.scenario]
        if len(set(names)) != len(names):
            raise ValueError("two scenarios have the same name")
        if REFERENCE not in names:
            raise ValueError(f"there is no row {REFERENCE}, the reference")
        return self

    @model_validator(mode="after")
    def _profiles_exist(self) -> Self:
        for row in self.scenario:
            for name in row.profiles or ():
                if name not in self.profile:
                    raise ValueError(
                        f"row {row.name}: profiles: there is no profile {name}"
                    )
        return self

    @classmethod
    def read(cls, path: Path = TABLE) -> Table:
        """Return the table in `path`. Raises ConfigError with the first thing wrong."""
        try:
            return cls.model_validate(tomllib.loads(path.read_text("utf-8")))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise ConfigError(f"{path}: not TOML ({error})") from None
        except ValidationError as error:
            raise ConfigError(f"{path}: {first_fault(error)}") from None

    def find(self, name: str) -> Scenario:
        """Return the row called `name`. Raises ConfigError where there is none."""
        for row in self.scenario:
            if row.name == name:
                return row
        known = ", ".join(row.name for row in self.scenario)
        raise ConfigError(f"--perf-scenario {name}: no such scenario; known: {known}")


def first_fault(error: ValidationError) -> str:
    """Return one line for the first thing that is wrong."""
    fault = error.errors(include_url=False)[0]
    where = ".".join(str(part) for part in fault["loc"])
    what = fault["msg"].removeprefix("Value error, ")
    found = fault["input"]
    if not isinstance(found, dict | list):  # a whole row or table would not fit the line
        what += f" (got {found!r})"
    return f"{where}: {what}" if where else what
