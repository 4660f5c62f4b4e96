"""The outside world as flows see it: the registry, one-time codes, mails. What was refused comes back as a Refusal."""
