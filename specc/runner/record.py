"""What a run was asked for: enough to start it again, kept in `recipe.json` and in every state."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from specc import files
from specc.diagnostics.spelling import spelled
from specc.recipe.recipe import Recipe


class Record(BaseModel):
    """A run's spec and recipe.

    spec:    the text. path: the file that it was read from, None where it came another way.
    input:   `--input`. params: `--set`, by name. options: settings given beside the spec's own, by name.
    recipe:  the spec's and the options together.
    processes: how many train together; machines: on how many.
    adopted_after: finished epochs when another network or other data were adopted: they are not compared with later
               ones, and are none of the network that the run has now.
    """

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", allow_inf_nan=False)

    spec: str
    path: str | None
    input: tuple[int, ...] | None
    params: dict[str, Any]
    options: dict[str, Any]
    recipe: Recipe
    processes: Annotated[int, Field(ge=1, le=2**20)] = 1
    machines: Annotated[int, Field(ge=1, le=2**20)] = 1
    adopted_after: Annotated[int, Field(ge=0, le=2**53)] = 0

    def as_json(self) -> dict[str, Any]:
        """The content of `recipe.json`: the resolved recipe, and what else was asked for."""
        shape = spelled(self.input) if self.input else None
        more: dict[str, Any] = {"input": shape, "set": self.params, "path": self.path, "options": self.options}
        if self.processes > 1:
            more |= {"processes": self.processes, "machines": self.machines}
        if self.adopted_after:
            more["adopted_after"] = self.adopted_after
        return {**self.recipe.resolved().model_dump(), **more}

    def meaning(self) -> str:
        """What every process of a run has to have in common; folders may have other names on other machines."""
        recipe = self.recipe.model_dump_json(exclude={"data", "data_dir", "device"})
        return f"{self.spec}\n{self.input} {self.params}\n{recipe}\n"

    def metadata(self) -> dict[str, str]:
        """What the weights carry, so that they can be used without the run folder."""
        content = self.as_json()
        overrides = {"input": content["input"], "set": content["set"]}
        return {
            "spec": self.spec,
            "overrides": json.dumps(overrides),
            "recipe": json.dumps(self.recipe.resolved().model_dump()),
        }


def read_record(spec: Path, recipe: Path) -> Record | None:
    """The record of a run that has written no state yet, from its spec and `recipe.json`; None where they are none."""
    try:
        content = files.read_json(recipe)
        shape = content.pop("input")
        more = {"params": content.pop("set"), "path": content.pop("path"), "options": content.pop("options")}
        counts = {name: content.pop(name) for name in ("processes", "machines", "adopted_after") if name in content}
        sizes = [int(size) for size in shape.split("x")] if shape else None
        text = files.read(spec).decode()
        whole = {"spec": text, "input": sizes, "recipe": content, **more, **counts}
        return Record.model_validate_json(json.dumps(whole))
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError, ValidationError):
        return None


def given(options: dict[str, Any]) -> dict[str, Any]:
    """The options that were given, as they come back from JSON: pairs are tuples again."""
    return {
        name: tuple(value) if isinstance(value, list) else value for name, value in options.items() if value is not None
    }
