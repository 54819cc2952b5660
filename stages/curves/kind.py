"""The kind that training makes, and the reading of curves consumes."""

from stages.kinds import Kind

ADAPTER = Kind("adapter", "adapter", "stages.train.panels", own=("recorded",))
