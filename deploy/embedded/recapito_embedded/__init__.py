"""The embedded default: the whole system as real processes on one machine, without docker, root or an account anywhere."""
