"""Reads what wheels say about themselves from the package index, without downloading them.

`index` finds the index and lists a project's files; `wheel` reads single
members of a wheel over HTTP ranges; `rows` turns both into rows of the matrix.
Nothing that is read is ever executed: build_info.py is parsed as text.

Needs `requests` and `remotezip`, which only `envcheck matrix update` and
`matrix verify` use; they are imported when first called.
"""
