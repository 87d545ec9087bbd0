"""Import torchvision for the few models that need it to be loaded.

The import takes more than a second of CPU time and 82 MB, because it brings torch's
compiler. Most checkpoints need torch alone.
"""

from __future__ import annotations

import functools
import importlib
import zipfile

_CALL = b"ops.torchvision."


@functools.cache
def import_operators(checkpoint: str) -> None:
    """Import torchvision if the code of a TorchScript file calls its operators.

    Raises OSError and zipfile.BadZipFile where the file cannot be read.
    """
    with zipfile.ZipFile(checkpoint) as archive:
        code = [name for name in archive.namelist() if name.endswith(".py")]
        if any(_CALL in archive.read(name) for name in code):
            importlib.import_module("serving.model.standalone.preprocess")
