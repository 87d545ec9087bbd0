"""Every kind of arm names things that exist, and says where it cannot be measured."""

from __future__ import annotations

from importlib.util import find_spec
from typing import get_args

import pytest

from perf.config.arm_kinds import ARM_KINDS, ArmKind
from perf.config.scenario import Scenario
from perf.config.table import Table
from perf.load.pools.registry import POOLS

KINDS = pytest.mark.parametrize("kind", ARM_KINDS.values(), ids=ARM_KINDS)


@KINDS
def test_job_modules_can_be_imported(kind: ArmKind) -> None:
    """Every job module of a kind is found by its name.

    `find_spec` does not run the module, so torch is not imported here.
    """
    for module in kind.jobs.values():
        assert find_spec(module) is not None, module


@KINDS
def test_pool_is_known(kind: ArmKind) -> None:
    """The pool of a kind is in the registry of pools."""
    assert kind.pool in POOLS


@KINDS
def test_wires_of_a_kind_are_known(kind: ArmKind) -> None:
    """Each kind has a job for the default `wire`, and none for an unknown one."""
    wire = Scenario.model_fields["wire"]
    assert wire.default in kind.jobs
    assert set(kind.jobs) <= set(get_args(wire.annotation))


def test_every_row_of_the_table_has_a_job() -> None:
    """The kind of each committed row has a job for the row's `wire`."""
    for row in Table.read().scenario:
        assert row.wire in row.kind.jobs, row.name


def test_kinds_are_found_by_their_names() -> None:
    """A kind's key in ARM_KINDS is its name."""
    assert [kind.name for kind in ARM_KINDS.values()] == list(ARM_KINDS)


def test_kind_that_cannot_use_cuda_says_why() -> None:
    """`refusal` returns the reason on a CUDA card, and nothing on the CPU."""
    shared = ARM_KINDS["decentralized-shared"]
    assert "forked process" in shared.refusal("cuda")
    assert shared.refusal("cpu") == ""


def test_kind_that_can_use_cuda_is_not_refused() -> None:
    """`refusal` returns nothing for a kind without a reason, on either device."""
    served = ARM_KINDS["served"]
    assert served.refusal("cuda") == served.refusal("cpu") == ""
