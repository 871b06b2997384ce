"""The networks: ResNet modules, their execution graphs, and loading of published weights."""

from colonnade.models.graph import Conv2d, Graph, conv_shapes, fold, trace
from colonnade.models.resnet import MODEL_NAMES, ResNet, build
from colonnade.models.settings import ModelConfig, ModelName
from colonnade.models.weights import load_weights

__all__ = [
    "MODEL_NAMES",
    "Conv2d",
    "Graph",
    "ModelConfig",
    "ModelName",
    "ResNet",
    "build",
    "conv_shapes",
    "fold",
    "load_weights",
    "trace",
]
