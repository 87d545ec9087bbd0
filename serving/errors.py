"""The errors that a user can see, each with one line that says what to do."""


class PerfError(Exception):
    """Base of every error that is reported as one line instead of a traceback."""


class ConfigError(PerfError):
    """A user asked for something impossible; the message names the option."""


class ArtifactError(PerfError):
    """A checkpoint, archive or image file is missing, damaged or of the wrong kind."""


class EngineError(PerfError):
    """An engine does not take the model. Rows with other engines can be measured."""


class ServerError(PerfError):
    """A server did not start, died, or runs with other settings than asked for.

    `log_tail` has the end of the server's log, or is empty.
    """

    def __init__(self, message: str, *, log_tail: str = "") -> None:
        super().__init__(message)
        self.log_tail = log_tail

    def __str__(self) -> str:
        message = super().__str__()
        if not self.log_tail:
            return message
        return f"{message}\n--- the end of the server's log ---\n{self.log_tail}"
