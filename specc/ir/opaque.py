"""A field type that is checked by `isinstance` and never looked into."""

from types import UnionType
from typing import Any, Union, get_args, get_origin

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema


class Opaque:
    """Marks a field whose value pydantic takes as it is, after a look at its class.

    `Annotated[tuple[Step, ...], Opaque()]` needs a tuple. Without the mark pydantic would plan, at import time and
    for every class, how to validate and copy what the parser and the resolver have just built themselves.
    """

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        classes = tuple(get_origin(part) or part for part in _parts(source))
        if not all(isinstance(cls, type) for cls in classes):
            return core_schema.any_schema()
        return core_schema.is_instance_schema(classes, cls_repr=" or ".join(cls.__name__ for cls in classes))


def _parts(source: Any) -> tuple[Any, ...]:
    return get_args(source) if get_origin(source) in (Union, UnionType) else (source,)
