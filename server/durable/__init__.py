"""Durable execution: workflows that survive their process, and the only room that knows DBOS.

``server.durable.engine.open_durable`` opens it; what is here costs nothing to import.

What an operator must know:

- Its tables are in the application's own database: beside the others in an SQLite file, in the schema
  ``dbos`` on PostgreSQL, whose user must be allowed to create it. Values in them are JSON. Nothing leaves
  the machine: no telemetry, no console.
- Every process on a database holds a lease: a lock that is gone with the process. What a dead process had
  begun is taken over by any other that takes work, or by the next one that is started: within a second on
  SQLite and three on PostgreSQL, and within ten where a whole machine is gone. The work of a living process
  is left alone.
- Beside an SQLite file lie empty files ``<database>.slotN``: the locks. SQLite is for processes on one
  machine and a local disk. PgBouncer needs session mode.
- A process that loses its connection to PostgreSQL has lost its lease. It cuts off what it runs and starts
  nothing until it has a new one: ``Durable.healthy`` is false meanwhile, and ``lease_lost`` is logged.
- SIGTERM does not wait for workflows: they are cut off where they are, and go on elsewhere or after the
  restart. Timers keep their deadlines.
- A step that was cut off runs again, so what it does to the world must bear that. A failed workflow stays
  failed until ``retry``, which runs it from its first step. One that was begun a hundred times and never
  came to an end is given up as failed.
- Finished workflows, failed ones too, are forgotten after seven days; ids that must never run twice are
  kept by whoever gave them.
- Brief workflows (shares of a run) wait in a queue of their own and are forgotten after an hour.
- Workflows begun by one release are finished by the next: steps may only be added or reordered together
  with a new name for the workflow.
"""

from server.durable.port import (
    Done,
    Durable,
    DurableError,
    Failed,
    FailedWorkflow,
    Json,
    Missing,
    Outcome,
    Running,
    StepFailed,
    Steps,
    UnfinishedWorkflow,
    Workflow,
)

__all__ = [
    "Done",
    "Durable",
    "DurableError",
    "Failed",
    "FailedWorkflow",
    "Json",
    "Missing",
    "Outcome",
    "Running",
    "StepFailed",
    "Steps",
    "UnfinishedWorkflow",
    "Workflow",
]
