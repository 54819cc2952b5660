"""The kind that tokenizing makes and training consumes."""

from stages.kinds import Kind

TOKENS = Kind("tokens", "tokens", "stages.tokens.panels")
