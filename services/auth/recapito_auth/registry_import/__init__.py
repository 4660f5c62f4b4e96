"""``recapito-auth import-customers``: the company's customer registry, CSV or JSON Lines."""
