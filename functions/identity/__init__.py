"""Who a token says somebody is. Only the entry points that verify tokens import this package.

Those are authorizer, refresh and api: they alone carry PyJWT and cryptography.
"""
