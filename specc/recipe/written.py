"""Values as a spec writes them."""


def as_written(value: object) -> str:
    """A value as a spec writes it.

    >>> as_written((32, 48)), as_written(True)
    ('32x48', 'true')
    """
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        whole_numbers = all(type(item) is int for item in value)
        parts = [as_written(item) for item in value]
        return "x".join(parts) if whole_numbers else f"[{' '.join(parts)}]"
    return str(value)
