# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Versions of the library's code: one for each command, of what it runs and nothing else.

A command's version is a hash over its function and over the sources of the modules that it reaches,
with the other files of their packages (templates, style sheets). A rule has it among its `params`,
so that edited code runs again where it is used: another report template renders the report, but
trains nothing.

Left out are modules that start jobs, hand them their configuration and write files whole: they do
not decide what is computed.
"""

import ast
import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

PACKAGE = "colonnade"
HARNESS = tuple(
    f"{PACKAGE}.{name}"
    for name in (
        *("board", "cli", "container", "common.errors", "common.files", "common.paths"),
        *("config.board", "config.errors", "config.partial", "config.reading", "config.schema"),
        *("config.sources", "config.target"),
        *("workflow.job_settings", "workflow.settings", "workflow.versions", "workflow.workflow"),
    )
)
# What precedes the names of a group's commands, by how a function becomes one.
GROUPS = {"cli.command": "", "table.command": "table ", "step.command": "step "}
# Every import statement that names a module of the library, wherever in a file it is.
_IMPORT = re.compile(
    rf"^[ \t]*(?:from[ \t]+({PACKAGE}[\w.]*)[ \t]+import[ \t]+(\([^)]*\)|[^\n#]+)"
    rf"|import[ \t]+({PACKAGE}[\w.]*))",
    re.MULTILINE,
)
Function = ast.FunctionDef


@dataclass(frozen=True)
class Library:
    """The library's sources below `root`, the folder of the package."""

    root: Path

    def version(self, command: str) -> str:
        """Hex SHA-256 of what a `colonnade` command runs.

        Raises:
            KeyError: there is no such command.
        """
        digest = hashlib.sha256()
        sources, modules = self._command(command)
        for text in sources:
            digest.update(text.encode())
        for file in sorted(self.files(modules)):
            digest.update(f"{file.relative_to(self.root)}\0".encode())
            digest.update(self._digests[file])
        return digest.hexdigest()

    def files(self, modules: set[str]) -> set[Path]:
        """Files of modules and of all that they import: sources, and what else their packages hold."""
        reached: set[str] = set()
        left = list(modules)
        while left:
            module = left.pop()
            if module in reached or _is_harness(module):
                continue
            reached.add(module)
            left += self.imports[module]
        return {file for module in reached for file in self._held[module]}

    @cached_property
    def _held(self) -> Mapping[str, list[Path]]:
        """Every module's files."""
        return {module: self._module_files(module) for module in self.sources}

    def _module_files(self, module: str) -> list[Path]:
        file = self.sources[module]
        if file.name != "__init__.py":
            return [file]
        kinds = {".py", ".pyc"}
        others = (each for each in file.parent.iterdir() if each.suffix not in kinds)
        return [file, *(each for each in others if each.is_file())]

    @cached_property
    def sources(self) -> Mapping[str, Path]:
        """Every module's file by dotted name."""
        found = {}
        for file in self.root.rglob("*.py"):
            parts = [PACKAGE, *file.relative_to(self.root).with_suffix("").parts]
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = file
        return found

    @cached_property
    def _digests(self) -> "_Digests":
        return _Digests()

    @cached_property
    def imports(self) -> Mapping[str, list[str]]:
        """Modules of the library that each module imports, wherever in its file."""
        return {module: list(self._imports(module)) for module in self.sources}

    def _imports(self, module: str) -> Iterator[str]:
        """Those of one module; a package that looks for its modules imports them all."""
        text = self.sources[module].read_text("utf-8")
        for each in _IMPORT.findall(text):
            yield from self._named(*each)
        if "iter_modules(__path__)" in text:
            yield from (name for name in self.sources if name.startswith(f"{module}."))

    def _named(self, source: str, names: str, plain: str) -> Iterator[str]:
        """The modules of an import: the packages above it run first, names may be modules too."""
        path = (source or plain).split(".")
        yield from (".".join(path[:end]) for end in range(2, len(path) + 1))
        for name in re.findall(r"\w+", re.sub(r"\bas\s+\w+", "", names)):
            if f"{source}.{name}" in self.sources:
                yield f"{source}.{name}"

    def _command(self, command: str) -> tuple[list[str], set[str]]:
        """Sources of a command's function and of its helpers, and the modules that these name."""
        module, function = self.commands[command]
        sources: list[str] = []
        modules: set[str] = set()
        seen: set[tuple[str, str]] = set()
        left = [(module, function)]
        while left:
            where, name = left.pop()
            if (where, name) in seen:
                continue
            seen.add((where, name))
            source = self._cli[where]
            sources.append(source.text_of(source.functions[name]))
            names, imports = source.uses(name)
            for used in names:
                if used in source.functions:
                    left.append((where, used))
                elif used in imports and imports[used] in self._cli:
                    if used in self._cli[imports[used]].functions:
                        left.append((imports[used], used))
                elif used in imports:
                    modules.update(self._named(imports[used], used, ""))
        return sources, modules

    @cached_property
    def _cli(self) -> "Mapping[str, _Source]":
        """The modules of the commands."""
        prefix = f"{PACKAGE}.cli."
        return {
            name: _Source.parse(file.read_text("utf-8"))
            for name, file in self.sources.items()
            if name.startswith(prefix)
        }

    @cached_property
    def commands(self) -> Mapping[str, tuple[str, str]]:
        """Module and function of every command by its name."""
        return {
            command: (module, name)
            for module, source in self._cli.items()
            for name, function in source.functions.items()
            for command in _command_name(function)
        }


@dataclass(frozen=True)
class _Source:
    """A parsed module: its functions, and the module that each name imported at its top is from."""

    lines: Sequence[str]
    functions: Mapping[str, Function]
    imports: Mapping[str, str]
    used: "dict[str, tuple[list[str], Mapping[str, str]]]" = field(default_factory=dict)

    def text_of(self, function: Function) -> str:
        return "\n".join(self.lines[function.lineno - 1 : function.end_lineno])

    def uses(self, name: str) -> "tuple[list[str], Mapping[str, str]]":
        """Names in a function, and the module that each imported one is from; commands share helpers."""
        if name not in self.used:
            nodes = list(ast.walk(self.functions[name]))
            names = sorted({each.id for each in nodes if isinstance(each, ast.Name)})
            self.used[name] = names, {**self.imports, **_imports_of(iter(nodes))}
        return self.used[name]

    @classmethod
    def parse(cls, text: str) -> "_Source":
        tree = ast.parse(text)
        functions = {node.name: node for node in tree.body if isinstance(node, Function)}
        return cls(text.split("\n"), functions, _imports_of(iter(tree.body)))


class _Digests(dict[Path, bytes]):
    """SHA-256 of files, each read once."""

    def __missing__(self, file: Path) -> bytes:
        self[file] = hashlib.sha256(file.read_bytes()).digest()
        return self[file]


def _is_harness(module: str) -> bool:
    return module == PACKAGE or any(f"{module}.".startswith(f"{name}.") for name in HARNESS)


def _imports_of(nodes: Iterator[ast.AST]) -> dict[str, str]:
    return {
        alias.asname or alias.name: node.module
        for node in nodes
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(PACKAGE)
        for alias in node.names
        if node.module is not None
    }


def _command_name(function: Function) -> Iterator[str]:
    for decorator in function.decorator_list:
        if isinstance(decorator, ast.Call) and ast.unparse(decorator.func) in GROUPS:
            named = [each.value for each in decorator.args if isinstance(each, ast.Constant)]
            name = str(named[0]) if named else function.name.replace("_", "-")
            yield GROUPS[ast.unparse(decorator.func)] + name
