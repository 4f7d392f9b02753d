"""Fixes: small edits of a text that make an error go away, found by trying them on the checker itself.

    Analysis ─candidates→ edits, likeliest first ─search→ those that the checker accepts ─apply→ a mended text

Nothing here is imported for a spec without errors.
"""
