"""Health claims: drafts, expenses, attachments, submission."""
