"""The language server: what the compiler knows of a spec, for editors, while it is written.

    edit ─documents→ Snapshot ─features→ answers of the Language Server Protocol ─server→ editor

A `Snapshot` is one version of an open text; every feature is a function of one. `server` alone knows who asks and when:
it computes answers in one worker thread, in order, and drops those whose text has changed meanwhile. Nothing here
imports torch, and only the command `specc lsp` imports anything from here.
"""
