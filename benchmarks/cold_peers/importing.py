"""Handlers that are nothing but what they import: what a client costs before it does anything."""


def aiobotocore(event: dict, context: object) -> dict:
    """Import it at the first call."""
    import aiobotocore.session

    return {"session": str(aiobotocore.session.get_session() is not None)}
