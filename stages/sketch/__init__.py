"""A first recipe for folders of unknown things: what is there, by content, and how it is read.

folder   which files there are, bounded in number and time
  kinds    what one file is, by its first bytes and members
  groups   files of one kind as few paths that a recipe can name
tried    a stage tried on a few files in the killable child: records, forms, refusals
dumps    the tables of a dump of any size, and an excerpt of it
tables   what the columns of tables are: texts, authors, threads, questions
forums   queries that make threads or pairs of posts; the boards that are known by their tables
sources  the choice for each group, with its evidence, its alternatives and its questions
words    language and rough number of tokens
recipe   the choices as a commented recipe
init     `seedbed init`
trainers, imported   configurations of other trainers: `seedbed import`
"""
