"""One row of the table of scenarios."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PositiveInt,
    field_validator,
    model_validator,
)
from pydantic.fields import FieldInfo

from perf.config.arm_kinds import ARM_KINDS, ArmKind
from perf.load.arrivals.base import Arrivals
from perf.load.arrivals.closed import ClosedLoop
from perf.load.arrivals.registry import find_arrivals
from serving.device import Device
from serving.engines import DEFAULT
from serving.errors import ConfigError
from serving.spec import AddedLater, ServerSettings, ServerSpec
from serving.work import CLASSIFICATION

MAIN = "main"
"""The family of rows that are measured where no family is asked for."""

# The first inferences are slow, because TorchScript optimises the model then.
_WARM_UP_BATCHES = 2


class NotInIdentity:
    """Marks a field that does not decide whether a stored baseline applies to a row."""


class Scenario(BaseModel):
    """One row of the table.

    The table writes the server's settings beside the others; here they are in `server`.
    Raises pydantic.ValidationError where a value is missing, unknown or out of range.
    """

    model_config = ConfigDict(
        frozen=True, strict=True, extra="forbid", use_attribute_docstrings=True
    )

    name: Annotated[str, NotInIdentity()] = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    """Names the benchmark, the tox environment and the row of the report."""

    arm: str
    """The kind of the arm, a key of `ARM_KINDS`."""

    jobs: PositiveInt | Literal["cores", "profile"] = "profile"
    """How many jobs run at a time: a number, one a core, or what the profile says."""

    tolerance: Annotated[float, NotInIdentity()] = Field(gt=0, lt=1)
    """The share of its throughput that the scenario may lose since a baseline."""

    against_tolerance: Annotated[float, NotInIdentity()] = Field(default=0.02, gt=0, lt=1)
    """The same in a run side by side, which sees smaller losses."""

    memory_tolerance: Annotated[float, NotInIdentity()] = Field(default=0.1, gt=0, lt=1)
    """By which share its peak memory may grow."""

    cpu_tolerance: Annotated[float, NotInIdentity()] = Field(default=0.1, gt=0, lt=1)
    """By which share the CPU time of an image may grow."""

    p99_tolerance: Annotated[float, NotInIdentity()] = Field(default=0.2, gt=0, lt=1)
    """By which share the 99th percentile of the latency may grow."""

    profiles: Annotated[tuple[str, ...] | None, NotInIdentity()] = Field(
        default=None, strict=False
    )
    """The profiles that measure the row; if left out, all, where there are enough cores."""

    family: Annotated[str, NotInIdentity()] = Field(default=MAIN, pattern=r"^[a-z]+$")
    """The group of rows that one tox environment measures together."""

    backend: str = "torchserve"
    """The program that serves, a key of `serving.backends.registry.BACKENDS`."""

    engine: Annotated[str, AddedLater()] = DEFAULT
    """What computes the model, a key of `serving.engines.ENGINES`."""

    workers: PositiveInt | None = None
    """Worker processes of the server; left out in a row without a server."""

    threads_per_worker: PositiveInt | None = None
    """Compute threads of each worker; if left out, the workers share the cores."""

    wire: Annotated[Literal["jpeg", "tensor"], AddedLater()] = "jpeg"
    """What a job sends: the image's file, or the model's input that it decoded itself."""

    work: Annotated[str, AddedLater()] = CLASSIFICATION.name
    """What a job does with its input, a key of `serving.work.WORKS`."""

    arrivals: Annotated[str, AddedLater()] = ClosedLoop.name
    """When jobs begin: a key of `ARRIVALS`, with `:ARGUMENT` where it takes one."""

    rate_rps: Annotated[float | None, AddedLater()] = Field(default=None, gt=0)
    """How many jobs begin in a second; left out in a closed loop, and in a search."""

    slo_ms: Annotated[float | None, AddedLater()] = Field(default=None, gt=0)
    """Milliseconds within which an answer is good; if left out, any answer is."""

    slo_share: Annotated[float, AddedLater()] = Field(default=0.99, gt=0, lt=1)
    """The share of the requests that must be good."""

    block_factor: Annotated[PositiveInt, NotInIdentity()] = 1
    """How many times the profile's images a block has."""

    server: ServerSettings = ServerSettings()
    """The other settings of the server; a standing pool of jobs uses its `allocator`."""

    @model_validator(mode="before")
    @classmethod
    def _nest_server(cls, row: Any) -> Any:  # noqa: ANN401 -- pydantic passes whatever the table holds
        if not isinstance(row, dict):
            return row
        if "server" in row:
            raise ValueError("server: write its settings in the row itself")
        named = {key: row[key] for key in row if key in ServerSettings.model_fields}
        rest = {key: row[key] for key in row if key not in named}
        return {**rest, "server": named} if named else rest

    @field_validator("arm")
    @classmethod
    def _arm_is_known(cls, arm: str) -> str:
        if arm not in ARM_KINDS:
            raise ValueError(f"no such kind of arm; known: {', '.join(ARM_KINDS)}")
        return arm

    @model_validator(mode="after")
    def _arrivals_are_known(self) -> Self:
        if self.arrivals == ClosedLoop.name and self.slo_ms is not None:
            raise ValueError(
                "slo_ms: an SLO needs requests at scheduled times, and arrivals are "
                "closed; choose other arrivals, such as poisson"
            )
        try:
            self.pattern()
        except ConfigError as error:
            raise ValueError(str(error)) from None
        if self.arrivals != ClosedLoop.name and not self.kind.open_pool:
            raise ValueError(f"arrivals {self.arrivals}: {self.kind.why_closed}")
        return self

    @model_validator(mode="after")
    def _only_served_rows_have_workers(self) -> Self:
        if self.kind.served != (self.workers is not None):
            raise ValueError("a served row needs workers, and no other row has them")
        if not self.kind.served and self.engine != DEFAULT:
            raise ValueError(f"a row without a server runs only the engine {DEFAULT}")
        if self.wire not in self.kind.jobs:
            raise ValueError(f"wire: arm {self.arm} has no jobs that send {self.wire}")
        return self

    @model_validator(mode="after")
    def _stock_handler_decodes_images(self) -> Self:
        stock = (self.backend, self.engine) == ("torchserve", DEFAULT)
        asked = (self.server.preprocess_threads, self.wire)
        if stock and asked != (1, "jpeg"):
            raise ValueError(
                "TorchServe's own handler decodes one JPEG file after the other: "
                "preprocess_threads and wire need another engine"
            )
        return self

    @property
    def seeks_capacity(self) -> bool:
        """Whether the row's figure is the highest rate that meets its SLO."""
        return self.slo_ms is not None and self.rate_rps is None

    def pattern(self) -> Arrivals:
        """Return when its jobs begin; a row that seeks its capacity has a rate of 1.

        Raises ConfigError.
        """
        return find_arrivals(self.arrivals, 1.0 if self.seeks_capacity else self.rate_rps)

    @property
    def pool(self) -> str:
        """The pool that runs its jobs, by its name in `perf.load.pools`."""
        closed = self.arrivals == ClosedLoop.name
        return self.kind.pool if closed else self.kind.open_pool

    @property
    def sends_open(self) -> bool:
        """Whether a standing client sends its requests at scheduled times."""
        return self.kind.served and self.arrivals != ClosedLoop.name

    @property
    def kind(self) -> ArmKind:
        """The kind of its arm."""
        return ARM_KINDS[self.arm]

    def flat(self) -> dict[str, Any]:
        """Return the row as the table writes it, with every default filled in."""
        spec = self.model_dump(mode="json", exclude={"server"})
        return {**spec, **self.server.model_dump(mode="json")}

    def identity(self) -> dict[str, Any]:
        """Return the part of the row that must be equal for a stored baseline to apply."""
        spec = self.flat()
        for name, field in _fields():
            later = _marked(field, AddedLater) and spec[name] == field.default
            if later or _marked(field, NotInIdentity):
                del spec[name]
        return spec

    def changed(self, changes: Mapping[str, Any]) -> Scenario:
        """Return the row with other values, under the names that the table uses."""
        return Scenario.model_validate({**self.flat(), **changes}, strict=False)

    def tolerances(self, *, side_by_side: bool) -> dict[str, float]:
        """Return by which share each quantity may get worse, by its name.

        The names are those of `perf.stats.quantity`.
        """
        first = self.against_tolerance if side_by_side else self.tolerance
        return {
            "throughput": first,
            "goodput": first,
            "capacity": first,
            "memory": self.memory_tolerance,
            "cpu": self.cpu_tolerance,
            "p99": self.p99_tolerance,
        }

    def measured_in(self, profile: str, cores: int) -> bool:
        """Return whether a profile measures the row on a machine with `cores` cores.

        Only the article's profile measures more workers than cores.
        """
        if self.profiles is not None:
            return profile in self.profiles
        return profile == "article" or self.workers is None or self.workers <= cores

    def warm_up_images(self, cores: int) -> int:
        """Return how many images warm up a launch: some batches for every worker."""
        if self.workers is None:
            return cores
        return _WARM_UP_BATCHES * self.server.batch_size * self.workers

    def server_spec(
        self, cores: int, startup_timeout_s: int, device: Device = "cpu"
    ) -> ServerSpec:
        """Return what the row asks of its server on a machine with `cores` cores."""
        assert self.workers is not None
        return ServerSpec(
            workers=self.workers,
            threads_per_worker=self.threads_per_worker or max(1, cores // self.workers),
            device=device,
            startup_timeout_s=startup_timeout_s,
            **self.server.model_dump(),
        )


def _fields() -> Iterator[tuple[str, FieldInfo]]:
    """Yield the name and the description of every field of a flat row."""
    for name, field in Scenario.model_fields.items():
        if name != "server":
            yield name, field
    yield from ServerSettings.model_fields.items()


def _marked(field: FieldInfo, marker: type) -> bool:
    return any(isinstance(one, marker) for one in field.metadata)
