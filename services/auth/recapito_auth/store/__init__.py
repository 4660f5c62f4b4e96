"""SQL keeps customers, accounts and operators; Redis keeps sessions, what is under way, and the limits."""
