"""Random specs and their meaning, written from the language page alone.

Nothing here knows how specc reads a spec: `tree` and `write` hold a spec and put it into words, `values`, `fields` and
`meaning` say what the page says that it is, with torch's own modules, and `compare` holds the checker, the compiled
module and this meaning against each other. What both generators agree on has been understood twice.
"""
