"""How a server is asked to serve one model: the same words for every backend."""

from pydantic import BaseModel, ConfigDict, NonNegativeInt, PositiveInt

from serving.device import Device
from serving.environment import Allocator


class ServerSpec(BaseModel):
    """The settings of one server, whichever program serves.

    `preprocess_threads` are a worker's for decoding a batch, beside `threads_per_worker`
    for computing it; TorchServe's own handler has always one. What `allocator`
    does is told in serving.environment. `batch_delay_ms` is how long a batch waits to fill,
    `response_timeout_s` how long a worker may take for one batch, `startup_timeout_s` how
    long the server may take until every worker is ready. Raises pydantic.ValidationError
    where a value is none of its kind, or too small.
    """

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    workers: PositiveInt
    threads_per_worker: PositiveInt
    preprocess_threads: PositiveInt = 1
    allocator: Allocator = "retain"
    device: Device = "cpu"
    batch_size: PositiveInt = 1
    batch_delay_ms: NonNegativeInt = 100
    queue_size: PositiveInt = 100
    response_timeout_s: PositiveInt = 200
    startup_timeout_s: PositiveInt = 180
