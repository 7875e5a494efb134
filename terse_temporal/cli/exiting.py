"""The end of a command: it returns an exit status, or raises; here that becomes a message and the end of the process.

The exit status is 0, 1 when what was asked for failed, or 2 when something has to be put right first. Errors of this
package are told in their own words, without a traceback, unless `--debug` asks for one. An error of any other class is
a mistake of ours, or of a library's, and has its traceback always.
"""

from __future__ import annotations

import os
import signal
import sys
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, NoReturn

from ..errors import TerseError
from .output import print_error
from .tasks import Interrupted

__all__ = ["FAILED", "USAGE_ERROR", "CommandError", "Settings", "exit_status", "leave"]

#: What was asked for failed.
FAILED: Final = 1

#: Something has to be put right first: an option, a module, a server that does not answer.
USAGE_ERROR: Final = 2


class CommandError(TerseError):
    """A command ends without having done what it was called for.

    Args:
        message: for the person who called it.
        status: the exit status.
    """

    def __init__(self, message: str, *, status: int = USAGE_ERROR) -> None:
        super().__init__(message)
        self.status = status


@dataclass
class Settings:
    """What holds for a command as a whole.

    Attributes:
        debug: whether errors are shown with their tracebacks.
    """

    debug: bool = False


def exit_status(command: Callable[[], int | None], settings: Settings) -> int:
    """Run a command, print what is wrong, and return its exit status; `None` is 0."""
    try:
        return command() or 0
    except SystemExit as err:  # how typer ends: after the help, or with what is wrong with an option
        return err.code if isinstance(err.code, int) else FAILED if err.code else 0
    except Interrupted as err:
        return err.status
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    except TerseError as err:
        if settings.debug:
            traceback.print_exc()
        print_error(str(err))
        return err.status if isinstance(err, CommandError) else USAGE_ERROR
    except BrokenPipeError:  # as when the reader of a pipe has seen enough
        return FAILED
    except Exception as err:
        traceback.print_exc()
        print_error(str(err))
        return FAILED


def leave(status: int) -> NoReturn:
    """End the process at once.

    Python would wait for the threads of steps that were cut off, and be aborted now and then by a thread of the SDK's
    that outlives the interpreter (https://github.com/temporalio/sdk-python/issues/300).
    """
    with suppress(OSError, ValueError):
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(status)
