"""Documents of people: Markdown, plain text, Word documents, PDF files, as Markdown text.

decode    the text of bytes, with a guess of the charset that is said
front     front matter in YAML or TOML → meta
sections  a text cut at its headings or pages
written   Markdown and plain text as pages and sections
word      .docx: the parts of the package, styles, numbering, footnotes; word_text its paragraphs
omml      formulas of Word as LaTeX
pdf       pages of PDF files; order puts their lines in order, lines joins them to paragraphs
"""
