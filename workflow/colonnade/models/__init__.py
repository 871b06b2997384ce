"""The networks: their architectures as data, the modules, their execution graphs, and weights.

What needs torch is imported from its module: `graph`, `resnet` and `weights`.
"""

from colonnade.models.architecture import MODEL_NAMES, conv_shapes
from colonnade.models.settings import ModelConfig, ModelName

__all__ = ["MODEL_NAMES", "ModelConfig", "ModelName", "conv_shapes"]
