"""What GitHub Actions says of the job that runs, and of the run that it is about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ValidationError

from perf.github.api import Api
from serving.errors import ConfigError


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """The job, as the variables of its environment describe it."""

    api_url: str
    server_url: str

    repository: str
    """OWNER/NAME."""

    run_id: int
    """Which run of the workflow it belongs to."""

    attempt: int
    """How often that run was started."""

    commit: str
    """The commit that was checked out."""

    branch: str
    token: str

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> Job:
        """Return the job. Raises ConfigError where a variable is missing or wrong."""

        def text(name: str) -> str:
            if value := environ.get(name, ""):
                return value
            raise ConfigError(f"{name} is not set: this command is for GitHub Actions")

        def number(name: str) -> int:
            if (value := text(name)).isdecimal():
                return int(value)
            raise ConfigError(f"{name} is {value!r}, not a number")

        return cls(
            api_url=text("GITHUB_API_URL"),
            server_url=text("GITHUB_SERVER_URL"),
            repository=text("GITHUB_REPOSITORY"),
            run_id=number("GITHUB_RUN_ID"),
            attempt=number("GITHUB_RUN_ATTEMPT"),
            commit=text("GITHUB_SHA"),
            branch=text("GITHUB_REF_NAME"),
            token=text("GITHUB_TOKEN"),
        )

    @property
    def api(self) -> Api:
        """The API of the job's repository."""
        return Api(self.api_url, self.repository, self.token)

    @property
    def home(self) -> str:
        """The address of the repository's page."""
        return f"{self.server_url.rstrip('/')}/{self.repository}"

    @property
    def page(self) -> str:
        """The address of the run's page."""
        return f"{self.home}/actions/runs/{self.run_id}"


class _Named(BaseModel):
    full_name: str


class MeasuringRun(BaseModel):
    """The run of a workflow that has ended, as the event `workflow_run` describes it.

    GitHub writes the event, so nobody who opens a pull request can forge it; but the name
    of the branch is theirs.
    """

    id: int
    event: str
    head_sha: str
    head_branch: str | None
    html_url: str

    head_repository: _Named | None
    """None where the fork was deleted."""


class _Event(BaseModel):
    workflow_run: MeasuringRun


def measuring_run(event: Path) -> MeasuringRun:
    """Read the run that the event in this file is about. Raises ConfigError."""
    try:
        return _Event.model_validate_json(event.read_bytes()).workflow_run
    except (OSError, ValidationError) as fault:
        why = str(fault).splitlines()[0]
        raise ConfigError(f"GITHUB_EVENT_PATH: no event of a workflow run: {why}") from None
