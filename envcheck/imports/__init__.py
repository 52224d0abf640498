"""The scanner of source code: files -> uses -> findings, with a flow of its own.

``files`` finds and reads them, ``sift`` turns away most without parsing, ``uses`` reads the
syntax, ``stack`` knows what each release has (from ``names/``, made by tools/build_names.py),
``judge`` makes findings, ``rewrite`` mends what has one right answer.
"""
