"""Arguments against signatures."""

from __future__ import annotations

import inspect
import timeit
import typing
from typing import Annotated, Any, Callable, Dict, List, Literal, Optional, Sequence, Tuple, Union  # noqa: UP035

import pytest

from snakepit._runtime.arguments import InvalidArguments, Signature
from snakepit._runtime.commands import Command
from snakepit._runtime.invoke import compile_invoke

if typing.TYPE_CHECKING:
    from nowhere import Unknown  # type: ignore[import-not-found]


def problem(function: Callable[..., Any], args: dict[str, Any]) -> Optional[tuple[str, str]]:
    """Path and message of what is wrong, or None; the short way and the complete check must agree."""
    signature = Signature(function.__name__, function)
    calls: list[Any] = []
    parameters = inspect.Signature(signature.parameters)
    accept = lambda *a, **k: calls.append(parameters.bind(*a, **k).arguments)  # noqa: E731
    named = {p.name for p in signature.named}
    by_name = lambda **k: calls.append({**{n: k[n] for n in k if n in named}})  # noqa: E731
    invoke = compile_invoke(accept, by_name, signature)
    try:
        signature.check(args)
    except InvalidArguments as error:
        with pytest.raises(InvalidArguments):
            invoke(args)
        assert not calls
        return error.path, str(error)
    invoke(args)
    (got,) = calls
    assert {name: got[name] for name in got if name in named} == {n: args[n] for n in args if n in named}
    return None


def predict(text: str, top: int = 3) -> None: ...


def test_fits() -> None:
    assert problem(predict, {"text": "a"}) is None
    assert problem(predict, {"text": "a", "top": 1}) is None
    assert problem(predict, {"top": 1, "text": "a"}) is None


def test_missing() -> None:
    assert problem(predict, {}) == (
        "$.text",
        "predict() got no value for 'text' (str). It takes text: str, top: int = 3.",
    )


def test_unexpected_suggests_a_near_name() -> None:
    path, message = problem(predict, {"txt": "a"}) or ("", "")
    assert path == "$.txt"
    assert message == (
        "predict() got an unexpected argument 'txt'; did you mean 'text'? It takes text: str, top: int = 3."
    )
    assert "did you mean" not in str(problem(predict, {"text": "a", "zzz": 1}))


def test_wrong_type_does_not_tell_the_value() -> None:
    path, message = problem(predict, {"text": "a", "top": "s3cret"}) or ("", "")
    assert path == "$.top"
    assert "takes int for 'top', got str" in message
    assert "s3cret" not in message


def test_no_arguments_at_all() -> None:
    def ping() -> None: ...

    assert problem(ping, {}) is None
    assert "It takes no arguments." in str(problem(ping, {"a": 1}))


def of(annotation: Any, default: Any = ...) -> Callable[..., Any]:
    def f(x: Any) -> None: ...

    f.__annotations__ = {"x": annotation}
    if default is not ...:
        f.__defaults__ = (default,)
    return f


SAMPLES: dict[str, Any] = {
    "none": None,
    "bool": True,
    "int": 1,
    "float": 0.5,
    "str": "a",
    "bytes": b"a",
    "list": [1],
    "dict": {"a": 1},
}

ADMITS: list[tuple[Any, str]] = [
    (str, "str"),
    (int, "int"),
    (float, "float int"),
    (bool, "bool"),
    (bytes, "bytes"),
    (list, "list"),
    (dict, "dict"),
    (tuple, "list"),
    (None, "none"),
    (type(None), "none"),
    (List[int], "list"),  # noqa: UP006
    (list[str], "list"),
    (Dict[str, int], "dict"),  # noqa: UP006
    (dict[str, int], "dict"),
    (Tuple[int, ...], "list"),  # noqa: UP006
    (tuple[int, int], "list"),
    (Optional[str], "none str"),
    (Optional[float], "none float int"),
    (Union[int, str], "int str"),
    (Union[list[int], None, bytes], "list none bytes"),
    (Annotated[int, "positive"], "int"),
    (Optional[Annotated[str, "x"]], "none str"),
    (Any, "none bool int float str bytes list dict"),
    (object, "none bool int float str bytes list dict"),
    (Sequence[int], "none bool int float str bytes list dict"),
    (Union[int, Sequence[int]], "none bool int float str bytes list dict"),
    (typing.TypeVar("T"), "none bool int float str bytes list dict"),
    ({"weird": "annotation"}, "none bool int float str bytes list dict"),
    ("not resolvable at all", "none bool int float str bytes list dict"),
]


@pytest.mark.parametrize(("annotation", "admitted"), ADMITS, ids=lambda value: str(value)[:40])
def test_annotations(annotation: Any, admitted: str) -> None:
    for name, sample in SAMPLES.items():
        wrong = problem(of(annotation), {"x": sample})
        assert (wrong is None) == (name in admitted.split()), (name, wrong)


def test_unions_in_the_new_spelling() -> None:
    def f(x: int | None, y: str | list[int] = "a") -> None: ...

    import sys

    if sys.version_info < (3, 10):
        # Such an annotation cannot be resolved there, so it is not checked.
        assert problem(f, {"x": "a"}) is None
        return
    assert problem(f, {"x": None, "y": [1]}) is None
    assert "int | None for 'x'" in str(problem(f, {"x": "a"})).replace("Optional[int]", "int | None")


def test_literals() -> None:
    f = of(Literal["fast", "slow"])
    assert problem(f, {"x": "fast"}) is None
    assert "Literal['fast', 'slow']" in str(problem(f, {"x": "other"}))
    assert "another str" in str(problem(f, {"x": "other"}))
    assert problem(f, {"x": 1}) is not None
    assert problem(f, {"x": ["fast"]}) is not None
    one = of(Literal[1])
    assert problem(one, {"x": 1}) is None
    assert problem(one, {"x": True}) is not None
    assert problem(of(Optional[Literal["a"]]), {"x": None}) is None
    assert problem(of(Union[Literal["a"], int]), {"x": 5}) is None
    assert problem(of(Union[Literal["a"], int]), {"x": "b"}) is not None
    assert problem(of(Union[Literal["a"], str]), {"x": "b"}) is None


def test_none_as_default_admits_none() -> None:
    assert problem(of(str, None), {"x": None}) is None
    assert problem(of(str, None), {"x": 1}) is not None
    assert problem(of(str, "a"), {"x": None}) is not None


def test_extras_and_positional_only() -> None:
    def f(a: int, b: int = 2, /, c: int = 3, **rest: int) -> Any:
        return a, b, c, rest

    call = Command("f", f).call
    assert problem(f, {"a": 1, "z": "anything"}) is None
    assert call(a=1, b=5, z=9) == (1, 5, 3, {"z": 9})
    assert call(a=1, c=5) == (1, 2, 5, {})

    def g(a: int = 1, b: int = 2, /) -> Any:
        return a, b

    assert problem(g, {"a": 5}) is None
    assert problem(g, {"b": 5}) == ("$.a", "g() needs 'a' when 'b' is given, as both are positional-only.")
    assert Command("g", g).call(a=3) == (3, 2)


def test_unresolvable_annotations_leave_the_others_checked() -> None:
    def f(a: Unknown, b: int) -> None: ...

    assert problem(f, {"a": object, "b": 1}) is None
    assert problem(f, {"a": object, "b": "x"}) is not None
    assert Signature("f", f).describe()[0]["annotation"] == "Unknown"


def test_signatures_that_cannot_be_read() -> None:
    Signature("dict", dict).check({"anything": 1})
    assert problem(print, {"sep": 1}) is None


def test_description() -> None:
    def f(a: Optional[str], /, b: list[int] = [1], *args: int, c: Any = object, **d: str) -> None: ...  # noqa: B006

    described = Signature("f", f).describe()
    assert [p["kind"] for p in described] == [
        "positional_only",
        "positional_or_keyword",
        "var_positional",
        "keyword_only",
        "var_keyword",
    ]
    assert [p["required"] for p in described] == [True, False, False, False, False]
    assert described[0]["annotation"] in ("Optional[str]", "str | None")
    assert described[1]["default"] == "[1]"


def test_a_default_whose_repr_fails() -> None:
    class Bad:
        def __repr__(self) -> str:
            raise RuntimeError

    assert Signature("f", of(int, Bad())).describe()[0]["default"] == "<Bad>"


def test_the_check_is_cheap() -> None:
    invoke = Command("predict", predict).invoke
    for args in ({"text": "hi", "top": 3}, {"text": "hi"}):
        best = min(timeit.repeat(lambda args=args: invoke(args), number=10_000, repeat=9)) / 10_000
        assert best < 1e-6
