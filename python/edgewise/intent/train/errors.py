"""Why data or a model cannot be used for training or scoring. Owns the error; decides nothing."""

from edgewise.errors import EdgewiseError


class TrainingError(EdgewiseError):
    """The data or the model is not what it has to be; the text says where and what to do."""
