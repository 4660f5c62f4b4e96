"""Backup and restore of what a service keeps: its database, the blobs that rows name, and, sealed by a passphrase, its keys.

The database comes first, then the blobs: a blob is written before the row that names it and never changed, so every blob that the
database's snapshot names is there when the copying reaches it. The other way round, rows written in between would name blobs that
the copy doesn't hold. A restore goes backwards: blobs, then the database, so that a row never names what isn't there.
"""
