"""A network of another program in, a spec out.

    source ─trace→ Graph ─structure→ chain ─blocks→ chain and blocks ─text→ spec ─verify→ the same output

A graph is made of operations that each have a word; what has none is listed, all of it.
"""
