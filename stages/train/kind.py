"""The kind that merging makes."""

from stages.kinds import Kind

MODEL = Kind("model", "model", "stages.train.merge_panels")
