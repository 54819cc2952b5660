"""From named values, of a JSON object or of a row, to a record: which are its text, and how.

Known by their names: plain text, prompt and completion under the names in use, Alpaca, ShareGPT,
chat messages, OpenAssistant trees. What is not part of the text goes to `meta` under its name.

layout   names of columns → Layout, which makes the records of all objects and rows that have them
  at_once  the same of many rows of a table, array-wise
  names    the names that are known, and those that the user gives
  values   values as text and as JSON, and how many characters they have; texts  of columns
  asked    what a pair's completion answers
  talks    lists of messages and trees of them
  said     what a layout understood, as a line for people
"""

from stages.extract.forms.layout import CUTS, REASONS, ROW_CUTS, Layout, Layouts, Made
from stages.extract.forms.names import Form, Names
from stages.extract.forms.said import ALL_COLUMNS, noted
from stages.extract.forms.values import as_json, key_text, size, type_name

__all__ = [
    "ALL_COLUMNS",
    "CUTS",
    "Form",
    "Layout",
    "Layouts",
    "Made",
    "Names",
    "REASONS",
    "ROW_CUTS",
]
__all__ += ["as_json", "key_text", "noted", "size", "type_name"]
