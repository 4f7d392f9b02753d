"""A shaped model as Python: a stand-alone `nn.Module` that needs nothing but torch. No torch is needed to write it.

    shaped model ─read→ nodes ─unify→ classes ─express→ arguments ─render→ text

`program.write_python` is the whole of it.
"""
