"""The mistakes a developer can make, told in one sentence each."""


class UserError(Exception):
    """Something the developer gave is at fault; the text names it and says what to do.

    The command line prints it without a traceback and exits with 2.
    """
