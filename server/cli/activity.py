"""What a command is busy with, on stderr: gone when it is done, and absent without a terminal."""

from __future__ import annotations

from types import TracebackType

from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TaskID, TextColumn
from rich.text import Text

from server.cli.output import Answer, remarks


class Activity:
    """Shown between ``with`` and its end. ``tell`` has the shape of a run's progress."""

    def __init__(self, doing: str) -> None:
        console = remarks()
        # The answer goes to stdout by itself: redirected, it would end up on stderr.
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            console=console,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
            disable=not console.is_terminal,
        )
        self._task: TaskID = self._progress.add_task(doing, total=None)

    def __enter__(self) -> Activity:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def done(self) -> None:
        """Nothing is under way any more: what follows is the answer."""
        self._progress.stop()

    def aside(self, answer: Answer, text: Text | str) -> None:
        """A part of the answer while the work goes on."""
        self._progress.stop()
        answer.print(text)
        self._progress.start()

    def tell(self, stage: str, done: int, total: int) -> None:
        """``stage`` is under way: ``done`` of ``total`` symbols."""
        self._progress.update(self._task, description=stage, completed=done, total=total)
