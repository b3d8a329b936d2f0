"""What a month costs: from usage to counted units (counting), to a bill (billing), to text (report).

All but `command` is pure. Prices are data (prices.toml); nothing here asks AWS.
"""
