"""Options that change the rows of the table for one run."""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError

from perf.config.options import Options, argument, exact
from perf.config.scenario import Scenario
from perf.config.table import first_fault
from perf.load.arrivals.closed import ClosedLoop
from serving.errors import ConfigError

_OPEN_LOOP = {"arrivals": "arrivals", "rate": "rate_rps", "slo": "slo_ms"}
"""Options of the open loop, and the fields of a row that they set."""

_AMOUNTS = (
    *("total", "pairs", "launches"),
    *("jobs", "workers", "batch_size", "threads"),
)


def overridden(row: Scenario, option: Options) -> Scenario:
    """Return the row with what the options change.

    Raises ConfigError, naming the option at fault.
    """
    return _open_loop(_server(row, option), option)


def repeat_options(option: Options) -> tuple[str, ...]:
    """Return the options that changed what is measured, as a command line has them.

    They are those of the images, the amounts, the arrivals, the rows and the containers.
    The profile, the model, the runtime and the seed are in a report's header. The path of
    the images is absolute.
    """
    images = option.text("images")
    given: dict[str, str | float | None] = {"images": str(Path(images).resolve())}
    given = given if images else {}
    given |= {name: option.number(name) for name in _AMOUNTS}
    given |= {
        "arrivals": option.text("arrivals") or None,
        "rate": option.decimal("rate"),
        "slo": option.decimal("slo"),
        "arrivals_seed": option.number("arrivals_seed"),
        "docker_cpus": option.decimal("docker_cpus"),
        "docker_memory": option.text("docker_memory") or None,
    }
    words: list[str] = []
    for name, value in given.items():
        if value is not None:
            words += [
                argument(name),
                exact(value) if isinstance(value, float) else str(value),
            ]
    return tuple(words)


def _server(row: Scenario, option: Options) -> Scenario:
    # Also asked for a row that has no use for them: they are known options.
    changes = {
        field: value
        for field in ("workers", "batch_size")
        if (value := option.number(field)) is not None
    }
    if not row.kind.served:
        return row
    if option.number("total") is not None:
        changes["block_factor"] = 1
    return row.changed(changes) if changes else row


def _open_loop(row: Scenario, option: Options) -> Scenario:
    given: dict[str, str | float | None] = {
        "arrivals": option.text("arrivals") or None,
        "rate": option.decimal("rate"),
        "slo": option.decimal("slo"),
    }
    said = " ".join(
        f"{argument(name)} {exact(value)}"
        if isinstance(value, float)
        else f"{argument(name)} {value}"
        for name, value in given.items()
        if value is not None
    )
    if not said:
        return row
    if given["arrivals"] is None and row.arrivals == ClosedLoop.name:
        raise ConfigError(
            f"{said}: {row.name} runs in a closed loop, where jobs begin as others end; "
            f"give {argument('arrivals')} too, such as poisson"
        )
    changes = {
        _OPEN_LOOP[name]: value for name, value in given.items() if value is not None
    }
    try:
        return row.changed(changes)
    except ValidationError as error:
        raise ConfigError(f"{said}: {row.name}: {first_fault(error)}") from None
