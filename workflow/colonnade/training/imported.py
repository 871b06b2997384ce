# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""Imported networks as dense checkpoints, which are pruned, fine-tuned and exported like any other."""

from dataclasses import replace
from pathlib import Path

from colonnade.common.errors import ColonnadeError
from colonnade.config.data import DataConfig
from colonnade.data.opening import open_data
from colonnade.data.pictures import UNCHANGED, Normalisation
from colonnade.models.document import document_of
from colonnade.models.importing.reading import Imported
from colonnade.models.module import build
from colonnade.models.networks import network
from colonnade.models.shapes import MAX_SIZE
from colonnade.models.weight_files import read_state
from colonnade.models.weights import load_weights
from colonnade.training.checkpoint import CheckpointInfo, write_checkpoint

ONNX, PT2, TORCHVISION = ".onnx", ".pt2", "torchvision:"
NO_DATA = "none"
# Files of torch.save and the like: of what module they are the weights they do not say.
_WEIGHTS = (".pt", ".pth", ".safetensors")
# What a network is called to be trained on whose images are pictures made by a normalisation alone.
PICTURES = "pictures"


def read_network(
    source: Path,
    image_px: int | None = None,
    weights: Path | None = None,
    weights_key: str | None = None,
) -> Imported:
    """The network of an ONNX file, or of a program that torch.export.save wrote.

    `torchvision:NAME` is one that the library has itself, with a file of `weights` as torchvision has
    them, of several state dicts in it that of `weights_key`. `image_px` is the size of images where the
    source leaves it open, or has another one.

    Raises:
        ColonnadeError: another kind of file, a damaged one, operations that cannot be imported, or images
            that the network does not fit.
    """
    found = _read(source, image_px, weights, weights_key)
    if image_px is None:
        return found
    try:
        inputs = tuple(each.resized(image_px) for each in found.graph.inputs)
        graph = replace(found.graph, inputs=inputs)
        graph.shapes(1)
    except ValueError as error:
        raise ColonnadeError(
            f"{source}: images of {image_px} pixels: {error}; --image-px gives another size"
        ) from error
    return replace(found, graph=graph)


def _read(
    source: Path, image_px: int | None, weights: Path | None, weights_key: str | None
) -> Imported:
    if str(source).startswith(TORCHVISION):
        return _with_weights(network_name(source), weights, weights_key)
    if weights is not None:
        raise ColonnadeError(
            f"{source}: has weights of its own; allowed with --weights: {TORCHVISION}NAME"
        )
    if source.suffix == ONNX:
        from colonnade.models.importing.onnx_reader import read_onnx

        return read_onnx(source, image_px)
    if source.suffix == PT2:
        from colonnade.models.importing.torch_reader import read_pt2

        return read_pt2(source)
    made = (
        "; weights alone are no network: torch.export.save(torch.export.export(module.eval(),"
        f" (image,)), 'net{PT2}') writes one"
        if source.suffix.lower() in _WEIGHTS
        else ""
    )
    raise ColonnadeError(
        f"{source}: unknown kind of network; allowed: {ONNX}, {PT2}, {TORCHVISION}NAME{made}"
    )


def network_name(source: Path) -> str:
    """What a network is called whose source this is."""
    text = str(source)
    return text.removeprefix(TORCHVISION) if text.startswith(TORCHVISION) else source.stem


def _with_weights(name: str, weights: Path | None, weights_key: str | None) -> Imported:
    classifiers = [node.name for node in network(name, 1).classifiers]
    if weights is None:
        raise ColonnadeError(
            f"{TORCHVISION}{name}: needs --weights, a file with torchvision's names"
        )
    state, _ = read_state(weights, weights_key)
    found = [state[key] for each in classifiers if (key := f"{each}.weight") in state]
    classes = [len(each) for each in found if each.ndim == 2 and 1 <= len(each) <= MAX_SIZE]
    # Without a classifier the file does not fit, which is told of the usual one.
    model = build(name, classes[0] if classes else 1000)
    load_weights(model, name, weights, key=weights_key)
    return Imported(model.graph, {key: each.numpy() for key, each in model.state_dict().items()})


def write_imported(
    imported: Imported,
    name: str,
    image_px: int,
    output: Path,
    data: DataConfig | None = None,
    pictures: Normalisation | None = None,
) -> CheckpointInfo:
    """Write an imported network as a dense checkpoint, and return what its header says.

    With `data` it can be fine-tuned and judged on that data set, whose classes its output must have.
    `pictures` says how pictures are normalised for it, where there is no data set that does.

    Raises:
        ColonnadeError: more nodes than a network may have, another number of classes than the data's, or
            images of the data that it does not fit.
    """
    try:
        document = document_of(imported.graph)
    except ValueError as error:
        raise ColonnadeError(f"network {name}: {error}") from error
    classes = imported.graph.shapes_of_any_size()[imported.graph.outputs[0]].c or 1
    normalisation, dataset, seed = UNCHANGED, NO_DATA, 0
    if pictures is not None:
        normalisation, dataset = pictures, PICTURES
    if data is not None:
        images = open_data(data, [each.channels for each in imported.graph.inputs])
        if len(images.classes) != classes:
            raise ColonnadeError(
                f"network {name}: {classes} outputs; data.name: {data.name} has"
                f" {len(images.classes)} classes"
            )
        normalisation, dataset, seed = images.normalisation, data.name, data.split_seed
        image_px = data.image_px
        try:
            imported.graph.shapes(1, image_px)
        except ValueError as error:
            raise ColonnadeError(f"network {name}: data.image_px: {image_px}: {error}") from error
    info = CheckpointInfo(
        model=name,
        graph=document,
        num_classes=classes,
        dataset=dataset,
        image_px=image_px,
        split_seed=seed,
        normalisation=normalisation,
        seed=0,
        epochs=0,
        source_names=imported.source,
    )
    write_checkpoint(output, info, imported.tensors(), {})
    return info
