"""`python -m specc`, which is also what `torchrun -m specc` starts."""

from specc.cli import main

if __name__ == "__main__":
    main(prog_name="specc")
