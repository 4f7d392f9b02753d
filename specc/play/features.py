"""What the page asks besides the language server's own: pictures, parts of the network, edits by a slider."""

from __future__ import annotations

from typing import Any, TypeVar

from lsprotocol import types
from pydantic import BaseModel, ValidationError
from pygls.exceptions import JsonRpcInvalidParams

from specc.emit.draw.theme import style_sheet_for_page
from specc.lsp.explanations import explanation
from specc.lsp.server import SpecServer
from specc.play.arguments import SetAsked, set_value
from specc.play.layers import LayerAsked, inspected
from specc.play.pictures import PictureAsked, picture

Asked = TypeVar("Asked", bound=BaseModel)


class CodeAsked(BaseModel):
    """A code of a finding."""

    code: str


def register(server: SpecServer) -> None:
    """Adds them to a server."""
    register_pictures(server)

    @server.feature("specc/layer")
    async def on_layer(params: Any) -> dict[str, Any] | None:
        asked = read(LayerAsked, params)
        return await server.ask(asked.uri, inspected, asked)

    @server.feature("specc/set")
    async def on_set(params: Any) -> list[types.TextEdit] | None:
        asked = read(SetAsked, params)
        return await server.ask(asked.uri, set_value, asked)

    @server.feature("specc/explain")
    async def on_explain(params: Any) -> str | None:
        return explanation(read(CodeAsked, params).code)


def register_pictures(server: SpecServer) -> None:
    """Those of them that draw, which an editor asks for as well."""

    @server.feature("specc/picture")
    async def on_picture(params: Any) -> dict[str, Any] | None:
        asked = read(PictureAsked, params)
        return await server.ask(asked.uri, picture, asked)

    @server.feature("specc/colours")
    async def on_colours(_: Any) -> str:
        return style_sheet_for_page()


def read(kind: type[Asked], params: Any) -> Asked:
    """What is asked. Raises: JsonRpcInvalidParams."""
    try:
        return kind.model_validate(params._asdict())
    except (ValidationError, AttributeError):
        raise JsonRpcInvalidParams from None
