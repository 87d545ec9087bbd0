"""The program that LitServe runs: photographs in, the five likeliest classes out.

Run as `python litserve_app.py CONFIG` where its neighbours `work` and `engine` and the
model lie. The file stands alone, because it travels to where the server runs.
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

work = importlib.import_module("work")

Pictures = NDArray[np.float32]


class _Begun:
    """A queue whose first request has been taken already; it is given out first."""

    def __init__(self, first: object, queue: Any) -> None:  # noqa: ANN401 -- LitServe's own
        self._first = [first]
        self._queue = queue

    def get(self, timeout: float | None = None) -> object:
        """Return the next request; raises queue.Empty when the time is over."""
        return self._first.pop() if self._first else self._queue.get(timeout=timeout)

    def get_nowait(self) -> object:
        """Return the next request; raises queue.Empty where there is none."""
        return self._first.pop() if self._first else self._queue.get_nowait()


class _PatientLoop(BatchedLoop):  # type: ignore[misc]  # litserve has types in part only
    """Sleeps until the first picture of a batch is here; then the batch's delay begins.

    LitServe's own loop looks for it a thousand times a second: an eighth of two cores,
    which the arm that is being measured then lacks.
    """

    def get_batch_requests(self, lit_api: Any, request_queue: Any, transport: Any) -> Any:  # noqa: ANN401 -- LitServe's own
        """Return the requests of the next batch, and those that waited too long."""
        begun = _Begun(request_queue.get(), request_queue)
        return super().get_batch_requests(lit_api, begun, transport)


class Classifier(litserve.LitAPI):  # type: ignore[misc]  # litserve has types in part only
    """One model, answered for by each worker of its own."""

    def __init__(self, config: dict[str, Any]) -> None:
        """Batch as `config` says."""
        super().__init__(
            max_batch_size=config["batch_size"],
            batch_timeout=config["batch_delay_ms"] / 1e3,
            api_path=config["predict_path"],
            loop=_PatientLoop() if config["batch_size"] > 1 else "auto",
        )
        self._config = config

    def setup(self, device: str) -> None:  # noqa: ARG002 -- the first of its kind
        """Load the model; called in every worker."""
        home = Path(__file__).parent
        engine = importlib.import_module("engine")
        self._batch = work.make_batch(
            home / "preprocess.json", self._config["preprocess_threads"]
        )
        self._infer = engine.load(
            home,
            self._config["variant"],
            self._config["threads_per_worker"],
            self._config["device"],
        )

    def decode_request(
        self, request: Annotated[bytes, Body(media_type="image/jpeg")]
    ) -> bytes:
        """Return the body as it came: a batch is decoded at once."""
        return request

    def batch(self, inputs: list[bytes]) -> list[bytes]:
        """Return the bodies of a batch."""
        return inputs

    def predict(self, x: bytes | list[bytes]) -> Pictures:
        """Return logits, a row for each body; of one alone, where nothing is batched."""
        alone = isinstance(x, bytes)
        logits: Pictures = self._infer(self._batch.inputs([x] if alone else x))
        return logits[0] if alone else logits

    def unbatch(self, output: Pictures) -> list[Pictures]:
        """Return the rows."""
        return list(output)

    def encode_response(self, output: Pictures) -> dict[str, float]:
        """Return the answer, as JSON will have it."""
        answer: dict[str, float] = work.answer(output)
        return answer


def main(config: dict[str, Any]) -> None:
    """Serve until the process is ended."""
    api = Classifier(config)
    server = litserve.LitServer(
        api,
        accelerator=config["device"],
        devices=1,
        workers_per_device=config["workers"],
        timeout=False,  # it would count the time in the queue
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
