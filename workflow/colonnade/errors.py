"""The one exception a user may see: it becomes a single line on stderr and a nonzero exit code."""


class ColonnadeError(Exception):
    """Bad input or a failed stage, phrased for a user.

    The message names the file, the key, the value seen and what is allowed, as far as each applies.
    """
