"""What stops the packaging, each with the sentence that the user reads."""


class PackagingError(Exception):
    """Something that was tried failed; the text says what and what to do."""

    exit_code = 1


class UsageError(PackagingError):
    """Something that is needed is missing or was asked for wrongly; nothing was tried."""

    exit_code = 2
