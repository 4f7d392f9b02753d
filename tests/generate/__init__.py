"""Generated specs, right and wrong ones, and torch as the judge of what the checker says of them.

`plan` is what a spec means, `specs` and `arguments` draw plans, `reference` runs a plan in torch step by step,
`agreement` compares that with `specc.check` and `specc.compile`. Nothing here reads a shape rule of specc.
"""
