# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Reads a network from a module of PyTorch, or from a program that torch.export wrote into a file."""

import io
import json
import os
import re
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, fx, nn
from torch.export import ExportedProgram
from torch.export.graph_signature import InputKind, OutputKind

from colonnade.common.errors import ColonnadeError, first_line
from colonnade.models.importing.reading import MAX_FOLDED, UNKNOWN, Imported, Operation, Reading
from colonnade.models.importing.torch_operations import HANDLERS, SHAPING
from colonnade.models.importing.values import Constant, OpenSizeError, UnsupportedError

# Makes torch.load refuse more than tensors, whoever calls it.
_TENSORS_ONLY = "TORCH_FORCE_WEIGHTS_ONLY_LOAD"
# torch evaluates these as expressions of Python: sizes that vary, and nothing else.
_EXPRESSION = re.compile(
    r"(?:Symbol|Integer|Add|Mul|FloorDiv|CleanDiv|Mod|Max|Min|positive|nonnegative|integer|True|False"
    r"|'?[su]\d+'?|\d{1,9}|[(),=+\- ])+",
    re.ASCII,
)
# What may be computed of constants, beside what the table of operations has.
_PURE_TAGS = {torch.Tag.core, torch.Tag.pointwise, torch.Tag.reduction}
_PURE = {
    f"aten.{name}"
    for name in (
        *(
            "_weight_norm",
            "_weight_norm_interface",
            "norm_except_dim",
            "dot",
            "vdot",
            "mv",
            "outer",
        ),
        *("matmul", "stack", "tile", "expand_as", "arange", "linspace", "eye", "ones", "zeros"),
        *(
            "ones_like",
            "zeros_like",
            "new_ones",
            "new_zeros",
            "reshape_as",
            "lift_fresh_copy",
            "numpy_T",
            "t",
        ),
    )
}
# What modules in training mode are decomposed into.
_TRAINING = {
    f"aten.{name}"
    for name in (
        "_native_batch_norm_legit",
        "_native_batch_norm_legit_functional",
        "native_dropout",
    )
}
_SYMBOLS = torch.SymInt | torch.SymFloat | torch.SymBool
MAX_JSON = 1 << 28
# One of these is in every file of torch.export.save.
_PROGRAM = {"archive_format", "serialized_exported_program.json"}


def import_module(module: nn.Module, examples: Sequence[Tensor], where: str = "module") -> Imported:
    """The network of a module, called with tensors of the sizes of `examples`, in evaluation mode.

    Raises:
        ColonnadeError: a module that torch.export cannot trace, or operations that cannot be imported.
    """
    was_training = module.training
    try:
        program = torch.export.export(module.eval(), tuple(examples), strict=False)
    # It raises whatever the module's own code provokes.
    except Exception as error:
        raise ColonnadeError(
            f"{where}: torch.export cannot trace it: {first_line(error)}"
        ) from error
    finally:
        module.train(was_training)
    return import_program(program, where)


def read_pt2(path: Path) -> Imported:
    """The network of a file of torch.export.save.

    Nothing is unpickled but tensors; a file that holds pickled objects is refused.

    Raises:
        ColonnadeError: a damaged or unsafe file, or operations that cannot be imported.
    """
    if path.is_dir():
        raise ColonnadeError(f"{path}: a folder; needed: a file of torch.export.save")
    if not path.is_file():
        raise ColonnadeError(f"{path}: no such file")
    content = path.read_bytes()
    _check_archive(path, content)
    try:
        with _tensors_only():
            program = torch.export.load(io.BytesIO(content))
    # It raises whatever the damaged place in the file provokes.
    except Exception as error:
        raise ColonnadeError(
            f"{path}: damaged, or more than tensors: {first_line(error)}"
        ) from error
    # Conditions on the inputs, as code that runs when a program is called. This one never is.
    program._guards_code = []
    return import_program(program, str(path))


def _check_archive(path: Path, content: bytes) -> None:
    """Refuse what torch would unpickle or evaluate beside tensors and sizes."""
    try:
        _check_entries(path, content)
    except ColonnadeError:
        raise
    # What a damaged, encrypted or unknown entry provokes depends on how it is compressed.
    except Exception as error:
        raise ColonnadeError(f"{path}: damaged: no program of torch.export") from error


def _check_entries(path: Path, content: bytes) -> None:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        names = {entry.rpartition("/")[2] for entry in archive.namelist()}
        if "data.pkl" in names and names.isdisjoint(_PROGRAM):
            kind = "torch.jit.save" if "constants.pkl" in names else "torch.save"
            raise ColonnadeError(f"{path}: a file of {kind}; needed: one of torch.export.save")
        for entry in archive.infolist():
            name = entry.filename.rpartition("/")[2]
            if name.startswith(("custom_obj_", "opaque_obj_")) or name.endswith(".so"):
                raise ColonnadeError(f"{path}: {entry.filename}: more than tensors: refused")
            if name.endswith(".json"):
                if entry.file_size > MAX_JSON:
                    raise ColonnadeError(f"{path}: {entry.filename}: too large")
                _check_json(f"{path}: {entry.filename}", json.loads(archive.read(entry)))


def _check_json(where: str, document: Any) -> None:
    entries = [document]
    while entries:
        entry = entries.pop()
        if isinstance(entry, list):
            entries.extend(entry)
        elif isinstance(entry, dict):
            entries.extend(entry.values())
            if entry.get("use_pickle") is True:
                # A tensor may be pickled: the reader is held to tensors.
                continue
            text = entry.get("expr_str")
            if text is not None and not (
                isinstance(text, str) and len(text) < 1000 and _EXPRESSION.fullmatch(text)
            ):
                raise ColonnadeError(f"{where}: expression {str(text)[:80]!r}: refused")


@contextmanager
def _tensors_only() -> Iterator[None]:
    before = os.environ.get(_TENSORS_ONLY)
    os.environ[_TENSORS_ONLY] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ[_TENSORS_ONLY]
        else:
            os.environ[_TENSORS_ONLY] = before


def import_program(program: ExportedProgram, where: str) -> Imported:
    """The network of a program of torch.export; `where` begins messages.

    Raises:
        ColonnadeError: operations that cannot be imported, all of them named.
    """
    module = {name: tuple(each.shape) for name, each in program.state_dict.items()}
    reading = Reading(where, HANDLERS, SHAPING, module=module, varies=True)
    values = {**program.state_dict, **program.constants}
    nodes = {node.name: node for node in program.graph.nodes}
    for spec in program.graph_signature.input_specs:
        name = spec.arg.name
        if spec.kind == InputKind.USER_INPUT:
            _read_input(reading, nodes[name])
        elif isinstance(values.get(spec.target), Tensor):
            reading.known[name] = Constant(_array(values[spec.target]), str(spec.target))
        else:
            reading.refused.append(f"input {name!r}: {spec.kind}")
            reading.known[name] = None
    for node in program.graph.nodes:
        if node.op == "call_function":
            _run(reading, node)
    specs = program.graph_signature.output_specs
    outputs = [each.arg.name for each in specs if each.kind == OutputKind.USER_OUTPUT]
    return reading.finished(outputs)


def _array(tensor: Tensor) -> Any:
    """The values of a tensor; numpy has no bfloat16."""
    plain = tensor.detach().cpu()
    return (plain.float() if plain.dtype == torch.bfloat16 else plain).numpy()


def _read_input(reading: Reading, node: fx.Node) -> None:
    try:
        sizes = _sizes(node)
        reading.known[node.name] = reading.net.input(node.name, sizes)
        if all(isinstance(each, int) for each in node.meta["val"].shape[2:]):
            reading.net.is_static = True
        else:
            reading.net.is_open = True
    except UnsupportedError as error:
        reading.refused.append(str(error))
        reading.known[node.name] = None


def _sizes(node: fx.Node) -> list[int]:
    """An input's sizes; one that varies has that of the example."""
    example = node.meta.get("val")
    if isinstance(example, Tensor) and example.is_floating_point():
        return [_size(each) for each in example.shape]
    raise UnsupportedError(f"input {node.name!r} is no tensor of floating-point numbers")


def _size(size: Any) -> int:
    if isinstance(size, int):
        return size
    hint = size.node.hint
    if hint is None:
        raise UnsupportedError(f"size {size} is not known")
    return int(hint)


def _run(reading: Reading, node: fx.Node) -> None:
    target = node.target
    kind = str(target)
    if isinstance(target, torch._ops.OpOverload):
        # add.Tensor, add_.Tensor and add.Scalar are one.
        kind = f"{target.namespace}.{target._schema.name.partition('::')[2].rstrip('_')}"
    name = _name(node)
    operation = Operation(kind, name, [], {}, _outputs(node))
    if kind == "<built-in function getitem>":
        _take_output(reading, node, operation)
        return
    if kind in _TRAINING:
        reading.refuse(operation, "of training; needed: export behind .eval()")
        return
    if not isinstance(target, torch._ops.OpOverload):
        size = node.meta.get("val")
        if isinstance(size, torch.SymInt) and _are_of(size, node):
            reading.known[node.name] = Constant(np.array(_size(size)), node.name, sized=True)
        else:
            computed = isinstance(size, _SYMBOLS)
            reading.refuse(operation, str(OpenSizeError("what follows")) if computed else UNKNOWN)
        return
    if any(reading.known.get(each.name) is None for each in node.all_input_nodes):
        # What it reads was refused already; whether it is known at all, is told now.
        if kind not in HANDLERS:
            reading.refuse(operation, UNKNOWN)
        reading.known[node.name] = None
        return
    operation.inputs, operation.attributes = _arguments(reading, node, target)
    flat = [value for each in operation.inputs for value in _flat(each)]
    tensors = [each for each in flat if not _is_plain(each)]
    constant = all(isinstance(each, Constant) and not each.sized for each in tensors)
    # What changes a constant would leave it as it was for those who read it later.
    constant = constant and (kind == "aten.detach" or not target._schema.is_mutable)
    if constant and (tensors if kind in HANDLERS else _is_pure(target, kind)):
        _fold(reading, operation, node, target)
    else:
        reading.run(operation)


def _are_of(size: torch.SymInt, node: fx.Node) -> bool:
    """Whether all tensors that a computed size is given for have it themselves, at any size of images."""
    readers = [each for each in node.users if not isinstance(each.meta.get("val"), _SYMBOLS)]
    for reader in readers:
        source = reader.args[0]
        example = source.meta.get("val") if isinstance(source, fx.Node) else None
        # Sizes that vary are equal where their formulas are.
        if not isinstance(example, Tensor) or str(size) not in map(str, example.shape):
            return False
    return True


def _outputs(node: fx.Node) -> list[str]:
    """What its outputs are called: the first one as the node itself."""
    example = node.meta.get("val")
    count = len(example) if isinstance(example, list | tuple) else 1
    return [node.name, *(_output(node, index) for index in range(1, count))]


def _output(node: fx.Node, index: int) -> str:
    return f"{node.name}[{index}]"


def _is_pure(target: torch._ops.OpOverload, kind: str) -> bool:
    """Whether an operation gives the same for the same, and does nothing else.

    A file says what is called: what is not known to be harmless, such as aten.from_file, is refused.
    """
    tags, schema = set(target.tags), target._schema
    if target.namespace != "aten" or schema.is_mutable or torch.Tag.nondeterministic_seeded in tags:
        return False
    return kind in _PURE or (bool(tags & _PURE_TAGS) and "empty" not in schema.name)


def _flat(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]


def _is_plain(value: Any) -> bool:
    return value is None or isinstance(
        value,
        bool | int | float | str | torch.dtype | torch.device | torch.layout | torch.memory_format,
    )


def _name(node: fx.Node) -> str:
    """The module that an operation belongs to, or its own name."""
    stack = node.meta.get("nn_module_stack") or {}
    paths = [str(path) for path, _ in stack.values() if path]
    # What torch calls the place of an operation of no module.
    paths = [path for path in paths if not path.startswith("_empty_nn_module_stack")]
    return f"{paths[-1]}.{node.name}" if paths else node.name


def _arguments(reading: Reading, node: fx.Node, target: Any) -> tuple[list[Any], dict[str, Any]]:
    """Positional arguments in the order of the schema with defaults, and the others."""

    def value(given: Any) -> Any:
        if isinstance(given, fx.Node):
            return reading.known[given.name]
        if isinstance(given, list | tuple):
            return [value(each) for each in given]
        if isinstance(given, torch.SymInt):
            return int(given.node.hint)
        return given

    positional, named = [], {}
    for index, argument in enumerate(target._schema.arguments):
        if index < len(node.args):
            found = node.args[index]
        else:
            default = argument.default_value if argument.has_default_value() else None
            found = node.kwargs.get(argument.name, default)
        if argument.kwarg_only:
            named[argument.name] = value(found)
        else:
            positional.append(value(found))
    return positional, named


def _take_output(reading: Reading, node: fx.Node, operation: Operation) -> None:
    source, index = node.args[0], node.args[1]
    assert isinstance(source, fx.Node) and isinstance(index, int)
    made = _output(source, index) if index else source.name
    found = reading.known.get(made)
    if found is not None or reading.known.get(source.name) is None:
        reading.known[node.name] = found
    elif node.users:
        reading.refuse(operation, f"output {index} of {source.name!r}; allowed: the first")


def _fold(reading: Reading, operation: Operation, node: fx.Node, target: Any) -> None:
    """Compute what constants alone decide."""

    def tensor(value: Any, device: str) -> Any:
        if isinstance(value, Constant):
            return torch.from_numpy(np.array(value.values)).to(device)
        return [tensor(each, device) for each in value] if isinstance(value, list) else value

    def computed(device: str) -> Any:
        inputs = [tensor(each, device) for each in operation.inputs]
        named = {key: tensor(each, device) for key, each in operation.attributes.items()}
        if "device" in named:
            named["device"] = device
        result = target(*inputs, **named)
        return result[0] if isinstance(result, tuple | list) and result else result

    with torch.no_grad():
        try:
            # Without storage first: a few bytes do not become more than memory holds.
            if isinstance(sized := computed("meta"), Tensor) and sized.numel() > MAX_FOLDED:
                reading.refuse(operation, f"{sized.numel()} elements; allowed: {MAX_FOLDED}")
                return
            made = computed("cpu")
        # torch raises what an operation and its constants provoke.
        except (RuntimeError, TypeError, ValueError, IndexError) as error:
            reading.refuse(operation, f"cannot be folded: {error}")
            return
    if not isinstance(made, Tensor):
        reading.refuse(operation, "of constants that make no tensor")
        return
    reading.known[node.name] = Constant(_array(made), node.name)
