"""What a month costs: usage is counted (counting), priced (billing) and shown (report).

All but `command` is pure. Prices are data (prices.toml); nothing here asks AWS.
"""
