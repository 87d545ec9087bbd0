"""The faults that a user can meet, each with one line that says what to do."""


class PerfError(Exception):
    """Base of every fault that is reported as one line instead of a traceback."""


class ConfigError(PerfError):
    """A user asked for something that cannot be had; the message names the option."""


class ArtifactError(PerfError):
    """A checkpoint, archive or image is missing, damaged or of the wrong kind."""


class ServerError(PerfError):
    """A server did not start, died, or does not run with the settings asked for.

    `log_tail` holds the last lines that the server wrote, or the empty string.
    """

    def __init__(self, message: str, *, log_tail: str = "") -> None:
        super().__init__(message)
        self.log_tail = log_tail

    def __str__(self) -> str:
        message = super().__str__()
        if not self.log_tail:
            return message
        return f"{message}\n--- the end of the server's log ---\n{self.log_tail}"
