"""All layers by keyword. A layer joins by being written: it is found in the modules imported here."""

from collections.abc import Iterator
from functools import cache

from specc.layers import activation, conv, linear, norm, padding, pool, regularise, reshape, scaling
from specc.layers.base import Layer
from specc.layers.fields import role

MODULES = (conv, pool, linear, norm, activation, regularise, reshape, padding, scaling)
ENTRY_POINTS = "specc.layers"


def _classes() -> Iterator[type[Layer]]:
    for module in MODULES:
        for value in vars(module).values():
            if isinstance(value, type) and issubclass(value, Layer) and value.__module__ == module.__name__:
                yield value


def require_complete(cls: type[Layer]) -> None:
    """Raises: TypeError where a layer lacks something that a reader, the checker or the builder needs."""
    missing = [name for name in ("family", "example", "torch_name", "__doc__") if not getattr(cls, name)]
    missing += [name for name in ("output", "build") if getattr(cls, name) is getattr(Layer, name)]
    missing += [name for name, info in cls.model_fields.items() if not info.json_schema_extra]
    if missing:
        raise TypeError(f"the layer `{cls.keyword}` lacks {', '.join(missing)}")


def collect(classes: Iterator[type[Layer]]) -> dict[str, type[Layer]]:
    """Layers by keyword. Raises: TypeError for a keyword that is taken or a layer that is not complete."""
    found: dict[str, type[Layer]] = {}
    for cls in classes:
        if not cls.keyword:
            continue
        if cls.keyword in found:
            raise TypeError(f"two layers are called `{cls.keyword}`")
        require_complete(cls)
        found[cls.keyword] = cls
    return found


LAYERS = collect(_classes())


def find_layer(keyword: str) -> type[Layer] | None:
    """The layer of that name: a built-in one, else one that an installed package offers."""
    return LAYERS.get(keyword) or _offered().get(keyword)


@cache
def _offered() -> dict[str, type[Layer]]:
    from importlib.metadata import entry_points

    offered = {}
    for point in entry_points(group=ENTRY_POINTS):
        cls = point.load()
        require_complete(cls)
        offered[point.name] = cls
    return offered


@cache
def positional_fields(cls: type[Layer]) -> tuple[str, ...]:
    """The fields that bare arguments fill, in order."""
    return tuple(name for name, info in cls.model_fields.items() if role(info).positional)


@cache
def field_keys(cls: type[Layer]) -> dict[str, str]:
    """Every key that a field answers to, long and short, with the field's name."""
    keys = {}
    for name, info in cls.model_fields.items():
        keys[name] = name
        if role(info).short:
            keys.setdefault(role(info).short, name)
    return keys
