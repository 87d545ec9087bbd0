"""A failure is shown with the lines of the log that say what happened."""

from __future__ import annotations

import re

from serving.backends.log import informative_tail
from serving.backends.torchserve import TorchServeServer

# The lines of a real log: the start, a batch of one request, and a worker that was killed.
_START = """\
nvidia-smi not available or failed: Cannot run program "nvidia-smi": error=2, No such file
2026-11-26T21:09:30,346 [DEBUG] main org.pytorch.serve.util.ConfigManager - xpu-smi not \
available or failed: Cannot run program "xpu-smi": error=2, No such file or directory
2026-11-26T21:09:31,638 [INFO ] main org.pytorch.serve.ModelServer - Inference API bind \
to: http://127.0.0.1:26109
Model server started.
"""
_REQUEST = """\
2026-11-26T21:09:37,898 [DEBUG] W-15666-resnet18_1.0 org.pytorch.serve.wlm.WorkerThread - \
Flushing req.cmd PREDICT repeats 1 to backend at: 1795727377898
2026-11-26T21:09:37,898 [INFO ] W-15666-resnet18_1.0 org.pytorch.serve.wlm.WorkerThread - \
Looping backend response at: 1795727377898
2026-11-26T21:09:37,902 [INFO ] W-15666-resnet18_1.0-stdout MODEL_LOG - Backend received \
inference at: 1795727377
2026-11-26T21:09:38,086 [INFO ] W-15666-resnet18_1.0-stdout \
org.pytorch.serve.wlm.WorkerLifeCycle - result=[METRICS]HandlerTime.Milliseconds:185.17|\
#ModelName:resnet18,Level:Model|#type:GAUGE|#hostname:vm,1795727378,52c4, pattern=[METRICS]
2026-11-26T21:09:38,086 [INFO ] W-15666-resnet18_1.0-stdout MODEL_METRICS - \
HandlerTime.ms:185.17|#ModelName:resnet18,Level:Model|#hostname:vm,requestID:52c4
2026-11-26T21:09:38,090 [INFO ] W-15666-resnet18_1.0 org.pytorch.serve.wlm.BatchAggregator \
- Sending response for jobId 52c4bfce
2026-11-26T21:09:38,090 [INFO ] W-15666-resnet18_1.0 ACCESS_LOG - /127.0.0.1:35714 "POST \
/predictions/resnet18 HTTP/1.1" 200 215
2026-11-26T21:09:38,090 [INFO ] W-15666-resnet18_1.0 TS_METRICS - Requests2XX.Count:1.0|\
#Level:Host|#hostname:vm,timestamp:1795727378
2026-11-26T21:09:38,091 [DEBUG] W-15666-resnet18_1.0 org.pytorch.serve.job.RestJob - \
Waiting time ns: 22114096, Backend time ns: 194122031
2026-11-26T21:09:38,099 [INFO ] W-15666-resnet18_1.0 org.pytorch.serve.wlm.WorkerThread - \
Backend response time: 185
"""
_DEATH = """\
2026-11-26T21:09:39,659 [INFO ] epollEventLoopGroup-5-1 org.pytorch.serve.wlm.WorkerThread \
- 15666 Worker disconnected. WORKER_MODEL_LOADED
2026-11-26T21:09:39,662 [DEBUG] W-15666-resnet18_1.0 org.pytorch.serve.wlm.WorkerThread - \
Backend worker monitoring thread interrupted or backend worker process died., \
responseTimeout:200sec
java.lang.InterruptedException: null
"""
_REFUSED = """\
2026-11-26T21:09:39,680 [INFO ] W-15666-resnet18_1.0 ACCESS_LOG - /127.0.0.1:35714 "POST \
/predictions/resnet18 HTTP/1.1" 507 2
"""
_RESTART = """\
2026-11-26T21:09:41,844 [INFO ] W-15666-resnet18_1.0-stdout MODEL_LOG - step {} of a restart
"""


def test_a_workers_death_comes_before_thousands_of_metrics() -> None:
    """The death is the first line that is shown; the metrics since are not shown at all."""
    restart = "".join(_RESTART.format(step) for step in range(60))
    log = _START + 500 * _REQUEST + _DEATH + _REFUSED + restart + 500 * _REQUEST
    shown = informative_tail(log, TorchServeServer.noise).splitlines()
    assert shown[:4] == [*_DEATH.splitlines(), "[...]"]
    assert shown[4:] == restart.splitlines()[-40:]


def test_a_request_that_failed_is_no_noise() -> None:
    """Of the access log the answers that are not 2xx stay."""
    shown = informative_tail(3 * _REQUEST + _REFUSED, TorchServeServer.noise)
    assert shown == _REFUSED.strip()


def test_a_start_without_a_card_names_no_error() -> None:
    """TorchServe always looks for the tools of cards; that they are missing is no error."""
    restart = "".join(_RESTART.format(step) for step in range(60))
    shown = informative_tail(_START + restart, TorchServeServer.noise).splitlines()
    assert shown == restart.splitlines()[-40:]


def test_a_short_log_is_shown_as_it_is() -> None:
    """Where everything is seen at once, nothing is moved or repeated."""
    log = "one\nRuntimeError: two\nthree"
    assert informative_tail(log) == log
    assert informative_tail("") == ""


def test_many_errors_do_not_fill_the_report() -> None:
    """The first ones are shown, which name the cause more often than the last."""
    log = "\n".join(f"line {n}: ValueError: no {n}" for n in range(200))
    shown = informative_tail(log).splitlines()
    assert shown[:10] == [f"line {n}: ValueError: no {n}" for n in range(10)]
    assert shown[10] == "[...]"
    assert len(shown) == 51


def test_words_that_only_resemble_an_error_are_no_error() -> None:
    """A word that contains the name of a death or an error is another word."""
    log = "\n".join(
        [*("studied skilled errors=0" for _ in range(20)), "CUDA out of memory"]
    )
    assert informative_tail(log).splitlines()[0] == "CUDA out of memory"


def test_without_noise_every_line_counts() -> None:
    """A server that declares no noise shows its last 40 lines."""
    log = "\n".join(f"line {n}" for n in range(100))
    assert informative_tail(log).splitlines() == [f"line {n}" for n in range(60, 100)]
    assert informative_tail(log, re.compile("[5-9]$")).splitlines()[-1] == "line 94"
