"""Who else holds a function: names bound by ``from module import name``, lists, partials."""

from __future__ import annotations

import gc
import inspect
import sys
from collections.abc import Sequence
from contextlib import suppress
from types import FrameType, MemberDescriptorType, MethodType, ModuleType

from pytest_traces.sources.handwritten.fields import MISSING

_MOST = 3


def own_value(owner: object, name: str) -> object:
    """What the owner itself has under this name, not its class or a base; else MISSING."""
    namespace = getattr(owner, "__dict__", {})
    if name in namespace:
        return namespace[name]
    slot = inspect.getattr_static(type(owner), name, None)
    return getattr(owner, name, MISSING) if isinstance(slot, MemberDescriptorType) else MISSING


def rebind(old: object, new: object) -> None:
    """Let every module global that is the old object be the new one."""
    for module in _modules():
        if not isinstance(old, MethodType) and id(old) not in map(id, list(vars(module).values())):
            continue  # of some hundred thousand globals hardly one is it
        for name, value in list(vars(module).items()):
            if value is old or (isinstance(old, MethodType) and _is_method(value, old)):
                setattr(module, name, new)


def other_holders(function: object, own: Sequence[object]) -> list[str]:
    """What else holds the function and would call it past a tap; a few of them.

    Args:
        function: what the application calls.
        own: objects of this package that hold it, too.

    Returns:
        For each its type, and its name where it is a global of a module.
    """
    known = {id(one) for one in (own, *own)}
    holders = [
        _owner(one)
        for one in gc.get_referrers(function)
        if id(one) not in known and not _is_namespace(one) and not isinstance(one, FrameType)
    ]
    wanted = {id(one) for one in holders}
    named = {
        id(value): f"{module.__name__}.{name}"
        for module in _modules()
        for name, value in list(vars(module).items())
        if id(value) in wanted
    }
    found = sorted({_described(one, named.get(id(one))) for one in holders})
    return found[:_MOST]


def _is_method(value: object, method: MethodType) -> bool:
    """Whether it is the same method of the same object: each access makes another one.

    A global may be a proxy, which is not to be asked what it is: Django's settings raise then.
    """
    return type(value) is MethodType and value == method


def _modules() -> list[ModuleType]:
    return [module for module in list(sys.modules.values()) if isinstance(module, ModuleType)]


def _is_namespace(holder: object) -> bool:
    """Whether it is a module or a class, or its dict: a name there is no other holder."""
    return isinstance(holder, ModuleType | type) or (
        isinstance(holder, dict) and ("__name__" in holder or "__module__" in holder)
    )


def _owner(holder: object) -> object:
    """The object whose attributes this dict has, which Python 3.10 finds in its place."""
    for one in gc.get_referrers(holder) if isinstance(holder, dict) else ():
        with suppress(Exception):  # it may be anything
            if vars(one) is holder:
                return one
    return holder


def _described(holder: object, name: str | None) -> str:
    kind = type(holder).__name__
    kind = {"partial": "functools.partial", "cell": "closure"}.get(kind, kind)
    return f"a {kind}" if name is None else f"{name} (a {kind})"
