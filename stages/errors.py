"""The exceptions of seedbed, each with the exit code that the command line gives it.

SeedbedError
├── UsageError      2   a mistake in a recipe, a call or an input path
│   └── MissingExtra    a library of an extra that is not installed
├── StageFailed     3   a stage could not finish, or kept nothing
│   └── Changed         an input file is not what it was a moment before
└── Preempted      75   stopped by a signal after saving; the same command goes on
    └── Interrupted    130  by Ctrl-C

Bad input data is no exception: it is a verdict on a record (see `stages.verdicts`).
"""

from __future__ import annotations

from stages.secrets import masked


class SeedbedError(Exception):
    """The base of all errors that a user can act on: one clear message, or several mistakes found
    together. No message shows a password."""

    exit_code = 1

    def __init__(self, *messages: object) -> None:
        self.messages = tuple(masked(str(message)) for message in messages)
        super().__init__("\n".join(self.messages))


class UsageError(SeedbedError):
    """A mistake in a recipe, a call or an input path."""

    exit_code = 2


class MissingExtra(UsageError):
    """A library that an optional extra brings is not installed."""


class StageFailed(SeedbedError):
    """A stage could not finish, or it kept nothing."""

    exit_code = 3


class Changed(StageFailed):
    """An input file changed, or vanished, between two looks at it; a run begins again."""


class Preempted(SeedbedError):
    """Stopped by a signal after the state was saved; running the same command resumes."""

    exit_code = 75


class Interrupted(Preempted):
    """The same, where the signal was Ctrl-C's."""

    exit_code = 130


class Terminated(KeyboardInterrupt):
    """SIGTERM or SIGHUP came: like Ctrl-C's exception, nothing but the command itself holds it."""


class Unreadable(Exception):
    """Raised by a source for one item that it cannot read; becomes a failed reject.

    reason: one of the stage's reasons. evidence: JSON values that show why.
    """

    def __init__(self, reason: str, **evidence: object) -> None:
        super().__init__(reason)
        self.reason = reason
        self.evidence = evidence
