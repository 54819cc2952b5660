"""Dumps in XML: MediaWiki's pages, WordPress's posts, Stack Exchange's questions and answers.

reading        a stream as elements that hold no others of their kind, one after the other
mediawiki      pages of a dump: the latest revision of each
wikitext       wikitext → text with marks of lines; wikilines: lines and tables → Markdown
wordpress      items of an export (WXR)
stackexchange  Posts.xml: questions joined with their answers in a file beside
"""
