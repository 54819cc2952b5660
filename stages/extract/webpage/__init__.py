"""From the bytes of a web page to its main text with structure, and what it says of itself.

decode → limits → tree → boilerplate → select → blocks → markdown; `page.page` does it all.
"""
