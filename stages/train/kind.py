"""The kinds that training makes and the reading of curves consumes."""

from stages.kinds import Kind

ADAPTER = Kind("adapter", "adapter", "stages.train.panels")
MODEL = Kind("model", "model", "stages.train.merge_panels")
