"""Customers, accounts, passwords, sign-in, sessions, operators."""
