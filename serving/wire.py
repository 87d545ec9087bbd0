"""How a photograph goes to a server, and how its answer comes back.

plain: the body is the photograph, the answer a JSON object from classes to probabilities.
kserve: the same body, as the one tensor of KServe's protocol with binary tensors, where the
answer is the same text as the one tensor after some JSON
(https://github.com/triton-inference-server/server/blob/main/docs/protocol/extension_binary_data.md).
"""

from __future__ import annotations

from typing import Literal

WireFormat = Literal["plain", "kserve"]
