"""The program that LitServe runs: it takes images and returns answers.

Run as `python litserve_app.py CONFIG` in a folder with the model and with `work` and
`engine`.
"""

import importlib
import json
import sys
from pathlib import Path
from typing import Annotated, Any

import litserve
import numpy as np
from fastapi import Body
from litserve.loops.simple_loops import BatchedLoop
from numpy.typing import NDArray

Logits = NDArray[np.float32]


class _Begun:
    """A queue whose first request was already taken; it is returned first."""

    def __init__(self, first: object, queue: Any) -> None:  # noqa: ANN401 -- LitServe's queue
        self._first = [first]
        self._queue = queue

    @property
    def waits(self) -> bool:
        """Whether nobody has taken the first request yet."""
        return bool(self._first)

    def get(self, timeout: float | None = None) -> object:
        """Return the next request. Raises queue.Empty after `timeout` seconds."""
        return self._first.pop() if self._first else self._queue.get(timeout=timeout)

    def get_nowait(self) -> object:
        """Return the next request. Raises queue.Empty where there is none."""
        return self._first.pop() if self._first else self._queue.get_nowait()


class _PatientLoop(BatchedLoop):  # type: ignore[misc]  # -- litserve is only partly typed
    """Sleeps until the first request of a batch is here; then the batch's delay begins.

    LitServe's loop polls for it a thousand times a second. That takes an eighth of two
    cores, which the other arm then lacks.
    """

    def get_batch_requests(self, lit_api: Any, request_queue: Any, transport: Any) -> Any:  # noqa: ANN401 -- LitServe's types
        """Return the requests of the next batch, and those that waited too long."""
        begun = _Begun(request_queue.get(), request_queue)
        found = super().get_batch_requests(lit_api, begun, transport)
        while begun.waits:  # the whole delay had passed before it was asked for
            found = super().get_batch_requests(lit_api, begun, transport)
        return found


class Classifier(litserve.LitAPI):  # type: ignore[misc]  # -- litserve is only partly typed
    """The model; each worker has its own copy."""

    def __init__(self, config: dict[str, Any]) -> None:
        """Batch as `config` says."""
        super().__init__(
            max_batch_size=config["batch_size"],
            batch_timeout=config["batch_delay_ms"] / 1e3,
            api_path=config["predict_path"],
            loop=_PatientLoop() if config["batch_size"] > 1 else "auto",
        )
        self._config = config

    def setup(self, device: str) -> None:  # noqa: ARG002 -- the configuration names the device
        """Load the model. LitServe calls this in every worker."""
        home = Path(__file__).parent
        work = importlib.import_module("work")
        engine = importlib.import_module("engine")
        threads = self._config["preprocess_threads"]
        self._inputs = work.make_batch(home / "preprocess.json", threads).inputs
        self._answer = work.answer
        self._infer = engine.load(
            home,
            self._config["variant"],
            self._config["threads_per_worker"],
            self._config["device"],
        )

    def decode_request(
        self, request: Annotated[bytes, Body(media_type="image/jpeg")]
    ) -> bytes:
        """Return the body as it is, because a whole batch is decoded at once."""
        return request

    def batch(self, inputs: list[bytes]) -> list[bytes]:
        """Return the bodies of a batch."""
        return inputs

    def predict(self, x: bytes | list[bytes]) -> Logits:
        """Return logits: one row for each body, or that of a single body."""
        single = isinstance(x, bytes)
        logits: Logits = self._infer(self._inputs([x] if single else x))
        return logits[0] if single else logits

    def unbatch(self, output: Logits) -> list[Logits]:
        """Return the rows."""
        return list(output)

    def encode_response(self, output: Logits) -> Any:  # noqa: ANN401 -- FastAPI would enforce a type
        """Return the answer, which LitServe makes JSON of."""
        return self._answer(output)


def main(config: dict[str, Any]) -> None:
    """Serve until the process is ended."""
    api = Classifier(config)
    server = litserve.LitServer(
        api,
        accelerator=config["device"],
        devices=1,
        workers_per_device=config["workers"],
        timeout=False,  # it would include the time in the queue
        model_metadata={
            "batch_size": api.max_batch_size,
            "batch_delay_ms": round(1e3 * api.batch_timeout),
        },
    )
    server.run(
        host=config["host"],
        port=config["ports"]["inference"],
        num_api_servers=1,
        generate_client_file=False,
        log_level="warning",
        access_log=False,
    )


if __name__ == "__main__":
    main(json.loads(Path(sys.argv[1]).read_text("utf-8")))
