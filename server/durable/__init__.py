"""Durable execution: workflows that survive the process, and the only room that knows DBOS."""

from server.durable.engine import open_durable
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
    "open_durable",
]
