"""What the catalog says of the names in a statement: plain data for the verdict."""

from __future__ import annotations

from pgscope.dataclass import dataclass
from pgscope.server.explain import dangerous


@dataclass(frozen=True)
class FunctionFact:
    """A function that the statement may call, and by way of what."""

    name: str
    """`schema.name(argument types)`; without the schema for the server's own."""
    bare: str
    """The name alone."""
    volatility: str
    """`i`, `s` or `v`."""
    language: str
    builtin: bool
    extension: str
    via: str
    """How it is reached: 'operator ===', 'cast text to cents', 'view app.v'; empty if by its name."""
    position: int | None

    @property
    def user_defined(self) -> bool:
        """Whether a person wrote it: not the server's own, and no C function of an extension."""
        return not self.builtin and not (self.extension and self.language in dangerous.TRUSTED_LANGUAGES)

    @property
    def dangerous(self) -> bool:
        """Whether it is refused by name, or for the extension that it comes with."""
        return (self.bare in dangerous.FUNCTIONS and (self.builtin or bool(self.extension))) or (
            self.extension in dangerous.EXTENSIONS
        )


@dataclass(frozen=True)
class RelationFact:
    """A foreign table that the statement reads."""

    name: str
    wrapper: str
    program: bool
    """Whether reading it starts a program on the server's host."""
    position: int | None


@dataclass(frozen=True)
class CatalogFacts:
    """Everything that the statement may reach, as far as the catalog tells."""

    functions: tuple[FunctionFact, ...] = ()
    foreign: tuple[RelationFact, ...] = ()
    unreadable: tuple[tuple[str, int | None], ...] = ()
    """What could not be parsed, such as a view's definition, with the place that leads to it."""
