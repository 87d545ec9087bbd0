"""The dialects of servers: how a request carries an image, and how the answer comes back.

plain: the request's body is the image file. The answer is a JSON object with the
probabilities of the likeliest classes.
kserve: the same two texts, each as the only tensor of a message in KServe's protocol with
binary tensors, that is after a header in JSON
(https://github.com/triton-inference-server/server/blob/main/docs/protocol/extension_binary_data.md).
"""

from __future__ import annotations

from typing import Literal

Dialect = Literal["plain", "kserve"]
