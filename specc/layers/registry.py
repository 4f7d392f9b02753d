"""All layers by keyword. A layer joins by being written: it is found in the modules imported here."""

from collections.abc import Iterator
from functools import cache

from specc.layers import activation, channels, conv, linear, norm, padding, pool, regularise, reshape, scaling
from specc.layers.base import KEEPING, Layer
from specc.layers.fields import role
from specc.layers.torch_call import at_every_rank

MODULES = (conv, pool, linear, norm, activation, regularise, reshape, channels, padding, scaling)
ENTRY_POINTS = "specc.layers"


def _classes() -> Iterator[type[Layer]]:
    for module in MODULES:
        for value in vars(module).values():
            if isinstance(value, type) and value.__module__ == module.__name__ and Layer in value.__mro__:
                yield value


def require_complete(cls: type[Layer]) -> None:
    """Raises: TypeError where a layer lacks something that a reader, the checker or the builder needs."""
    missing = [name for name in ("family", "example", "__doc__") if not getattr(cls, name)]
    missing += ["output"] if cls.output is Layer.output and cls.family not in KEEPING else []
    missing += ["torch, or build"] if cls.torch is None and cls.build is Layer.build else []
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


def of_family(*families: str) -> tuple[str, ...]:
    """The words of the layers of some families."""
    return tuple(word for word, cls in LAYERS.items() if cls.family in families)


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


@cache
def layers_of(name: str) -> tuple[type[Layer], ...]:
    """The layers that a class or a function of torch's may be, those that need the fewest arguments first.

    >>> [cls.keyword for cls in layers_of("Conv2d")], [cls.keyword for cls in layers_of("relu")]
    (['dwconv', 'conv'], ['relu'])
    """
    found = [cls for cls in LAYERS.values() if cls.torch and name in (*cls.torch.classes(), *cls.torch.functions())]
    return tuple(sorted(found, key=lambda cls: len(required_fields(cls))))


@cache
def required_fields(cls: type[Layer]) -> tuple[str, ...]:
    """The fields that must be given, the first of those of which one must."""
    return (*(name for name, info in cls.model_fields.items() if info.is_required()), *cls.one_of[:1])


def torch_names(cls: type[Layer]) -> tuple[str, ...]:
    """The classes that a layer becomes, for the reference; none where another package makes its own module."""
    if cls.torch is None:
        return ()
    stems = (cls.torch.name, *(stem for stem in cls.torch.also if "{rank}" in stem))
    names = dict.fromkeys(name for stem in stems for name in at_every_rank(stem))
    return tuple(f"specc.build.modules.{name}" if cls.torch.own else name for name in names)
