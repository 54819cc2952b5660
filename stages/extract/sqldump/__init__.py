"""Exact rows of SQL dumps, by scanning bytes: nothing is loaded into a server.

reader.read(stream)   statements in order → Row and Fault
  window     the moving piece of the stream, with offsets and lines
  dialect    which server wrote it, and the settings that change how it reads (Session)
  charset    the servers' names of character sets
  lexer      patterns of strings, comments, statements
  literals   one value: literals and what functions make of them
  functions  the few functions of constants that dumps use; dates  those that read by a model
  schema     CREATE TABLE → columns and their kinds
  columns    kind → how a literal becomes a value
  insert     INSERT rows          copy    COPY data
  clean      INSERT rows many at once, array-wise; clean_copy  COPY data so
"""
