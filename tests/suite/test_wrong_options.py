"""A wrong option is refused in one line that names it."""

from __future__ import annotations

import pytest

from tests.support.refusal import DEAD_ENGINE, assert_refused
from tests.support.suite import ROOT, Run, fresh_suite

Words = tuple[str, ...]

_POSITIVE = ("workers", "batch-size", "total", "pairs", "jobs", "threads", "port")
_NOT_POSITIVE = {
    f"{option} {value}": (
        (f"--perf-{option}={value}",),
        (f"--perf-{option} {value}:", "not a whole number of at least 1"),
    )
    for option in _POSITIVE
    for value in ("0", "-3", "many", "1.5", "")
}

REFUSED: dict[str, tuple[Words, Words]] = {
    **_NOT_POSITIVE,
    "port too high": (
        ("--perf-port=65536",),
        ("--perf-port 65536:", "and at most 65535"),
    ),
    "negative seed": (("--perf-seed=-1",), ("--perf-seed -1:", "at least 0")),
    "no CPUs": (("--perf-docker-cpus=0",), ("--perf-docker-cpus 0:", "above 0")),
    "text for CPUs": (("--perf-docker-cpus=x",), ("--perf-docker-cpus x:", "above 0")),
    **{
        f"budget {value}": (
            (f"--perf-budget={value}",),
            (f"--perf-budget {value}:", "not a number above 0"),
        )
        for value in ("0", "0.0", "-3", "ten", "10m", "nan", "inf", "")
    },
    **{
        f"{option} {value}": (
            (f"--perf-{option}={value}", "--perf-arrivals=poisson"),
            (f"--perf-{option} {value}:", "not a number above 0"),
        )
        for option in ("rate", "slo")
        for value in ("0", "-3", "fast", "nan", "")
    },
    "arrivals": (
        ("--perf-arrivals=pareto", "--perf-rate=5"),
        ("--perf-arrivals pareto", "closed, constant, poisson, gamma"),
    ),
    "a rate in a closed loop": (
        ("--perf-rate=5",),
        ("--perf-rate 5:", "closed loop", "--perf-arrivals"),
    ),
    "an SLO in a closed loop": (
        ("--perf-slo=500",),
        ("--perf-slo 500:", "closed loop", "--perf-arrivals"),
    ),
    "arrivals without a rate": (
        ("--perf-arrivals=poisson",),
        ("--perf-arrivals poisson:", "rate"),
    ),
    "arrivals of jobs that share a forked process": (
        (
            "--perf-scenario=decentralized-shared",
            "--perf-family=servers",
            "--perf-arrivals=poisson",
            "--perf-rate=1",
        ),
        ("decentralized-shared", "forked", "late"),
    ),
    **{
        f"sweep with {option}": (
            ("--perf-sweep=torchserve", option),
            (f"--perf-sweep together with {option.partition('=')[0]}: ",),
        )
        for option in (
            "--benchmark-save=x",
            "--perf-against=HEAD",
            "--perf-launches=3",
            "--perf-pairs=4",
            "--perf-budget=5",
            "--perf-turn=0",
            "--perf-seed=0",
            "--perf-confirm=never",
            "--perf-limits",
            "--perf-require-baseline",
        )
    },
    "sweep": (
        ("--perf-sweep=everything",),
        ("--perf-sweep everything: no such sweep", "torchserve, litserve"),
    ),
    "scenario": (
        ("--perf-scenario=serving-bath",),
        ("--perf-scenario serving-bath: no such scenario", "serving-batch"),
    ),
    "no scenario": (("--perf-scenario=",), ("--perf-scenario: no name is given",)),
    "model": (
        ("--perf-model=resnet",),
        ("--perf-model resnet: no such model", "resnet152, resnet18", ".pt"),
    ),
    "missing checkpoint": (
        ("--perf-model=/nonexistent/model.pt",),
        ("--perf-model /nonexistent/model.pt: there is no such file",),
    ),
    "profile": (
        ("--perf-profile=fast",),
        ("--perf-profile fast: no such profile", "standard, smoke, article"),
    ),
    "weights": (
        ("--perf-weights=good",),
        ("--perf-weights good: no such weights", "seeded, pretrained"),
    ),
    "runtime": (
        ("--perf-runtime=podman",),
        ("--perf-runtime podman: ", "choose auto or docker or process"),
    ),
    "device": (
        ("--perf-device=tpu",),
        ("--perf-device tpu: ", "choose cpu or cuda"),
    ),
    "a card in a container": (
        ("--perf-device=cuda", "--perf-runtime=docker"),
        ("--perf-device cuda:", "on the CPU only", "--perf-runtime process"),
    ),
    "missing images": (
        ("--perf-images=/nonexistent",),
        ("--perf-images /nonexistent: there is no such folder",),
    ),
    "folder of images that cannot be looked at": (
        (f"--perf-images=/{'x' * 300}",),
        (f"--perf-images /{'x' * 300}: File name too long",),
    ),
    "memory": (
        ("--perf-docker-memory=much",),
        ("--perf-docker-memory much: not a size",),
    ),
    "missing wheels": (
        ("--perf-docker-wheels=/nonexistent",),
        ("--perf-docker-wheels /nonexistent: there is no such folder",),
    ),
    "more launches than pairs": (
        ("--perf-launches=3", "--perf-pairs=2"),
        ("--perf-launches 3:", "--perf-pairs"),
    ),
    "more pairs than images": (
        ("--perf-total=2", "--perf-pairs=3"),
        ("--perf-total 2:", "--perf-pairs"),
    ),
    "turn below 0": (
        ("--perf-turn=-1",),
        ("--perf-turn -1: ", "not a number of at least 0"),
    ),
    "turn as text": (
        ("--perf-turn=soon",),
        ("--perf-turn soon: ", "not a number of at least 0"),
    ),
    "confirm": (
        ("--perf-confirm=always",),
        ("--perf-confirm always: ", "choose auto or never"),
    ),
    **{
        f"against with {option}": (
            ("--perf-against=HEAD", option),
            (f"--perf-against together with {option.partition('=')[0]}: ",),
        )
        for option in (
            "--benchmark-save=x",
            "--perf-port=8080",
            "--perf-limits",
            "--perf-history=history",
        )
    },
    "a folder after a space": (
        ("--perf-against", str(ROOT)),
        (f"--perf-against {ROOT}: ", f"--perf-against={ROOT}"),
    ),
    "several at a time": (("-n", "2"), ("-n/--dist:", "pytest-xdist")),
    "saving every run": (
        ("--benchmark-autosave",),
        ("--benchmark-autosave", "--benchmark-save=NAME"),
    ),
    "another storage": (
        ("--benchmark-storage=elasticsearch+http://localhost",),
        ("--benchmark-storage elasticsearch+http://localhost:", "file://"),
    ),
    "no engine": (
        ("--perf-runtime=docker",),
        ("--perf-runtime docker: no Docker engine",),
    ),
}


@pytest.fixture(scope="module")
def refusals() -> dict[str, Run]:
    """The run of each command line in `REFUSED`."""
    with fresh_suite() as made:
        cases = [arguments for arguments, _ in REFUSED.values()]
        runs = made.refused(cases, env={"DOCKER_HOST": DEAD_ENGINE})
    return dict(zip(REFUSED, runs, strict=True))


@pytest.mark.parametrize("case", REFUSED)
def test_a_wrong_option_is_refused_in_one_line(case: str, refusals: dict[str, Run]) -> None:
    """The output is one line that names the option and says what is right; exit code 4."""
    run = refusals[case]
    assert_refused(run, *REFUSED[case][1])
