"""What the modules of a container are called."""

from __future__ import annotations

from collections import Counter

from specc.source import Span

# Attributes of nn.Sequential, which a child may not be called. A test compares them with torch's.
RESERVED_BY_TORCH = frozenset(
    """
    T_destination _apply _backward_hooks _backward_pre_hooks _buffers _call_impl _compiled_call_impl
    _forward_hooks _forward_hooks_always_called _forward_hooks_with_kwargs _forward_pre_hooks
    _forward_pre_hooks_with_kwargs _get_backward_hooks _get_backward_pre_hooks _get_item_by_idx _get_name
    _is_full_backward_hook _load_from_state_dict _load_state_dict_post_hooks _load_state_dict_pre_hooks
    _maybe_warn_non_full_backward_hook _modules _named_members _non_persistent_buffers_set _parameters
    _register_load_state_dict_pre_hook _register_state_dict_hook _replicate_for_data_parallel
    _save_to_state_dict _slow_forward _state_dict_hooks _state_dict_pre_hooks _version _wrapped_call_impl
    add_module append apply bfloat16 buffers call_super_init children compile cpu cuda double dump_patches eval
    extend extra_repr float forward get_buffer get_extra_state get_parameter get_submodule half insert ipu
    load_state_dict modules mtia named_buffers named_children named_modules named_parameters parameters pop
    register_backward_hook register_buffer register_forward_hook register_forward_pre_hook
    register_full_backward_hook register_full_backward_pre_hook register_load_state_dict_post_hook
    register_load_state_dict_pre_hook register_module register_parameter register_state_dict_post_hook
    register_state_dict_pre_hook requires_grad_ set_extra_state set_submodule share_memory state_dict to
    to_empty train training type xpu zero_grad
    """.split()  # noqa: SIM905 - a list would take a line a name
)


class ModuleNames:
    """The names taken in one container, and the running number of each word.

    >>> names = ModuleNames()
    >>> names.count("conv"), names.count("relu"), names.count("conv")
    (1, 1, 2)
    """

    def __init__(self) -> None:
        self.taken: dict[str, Span | None] = {}  # with the place that gave each
        self._numbers: Counter[str] = Counter()

    def count(self, word: str) -> int:
        """Counts one more step of a word, labelled or not."""
        self._numbers[word] += 1
        return self._numbers[word]

    def objection(self, name: str, what: str = "step", place: Span | None = None) -> str | None:
        """Why a name cannot be given to a child, or None; a name without objection is taken from now on.

        Args: what, the noun for a child; place, where the name is given.
        """
        if name in RESERVED_BY_TORCH or (name.startswith("__") and name.endswith("__")):
            return f"`{name}` is an attribute of `nn.Sequential`, so no module may be called that"
        if name in self.taken:
            return f"the name `{name}` is taken by another {what} here"
        self.taken[name] = place
        return None
