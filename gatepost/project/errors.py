"""The mistakes that a user of `gatepost new` can make, told in one sentence each."""


class ProjectError(Exception):
    """What was given can't become a project; the text names it and says what to do."""
