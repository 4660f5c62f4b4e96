"""The document pipeline: receive, check, clean, encrypt, keep and read back what customers upload.

Each module stands alone; import the module, not this package. A service wires three things and calls two methods::

    pipeline = DocumentPipeline(FolderBlobs(path), KeyRing.parse(text_of_the_key_file))
    row = pipeline.store(name, chunks)          # a StoredDocument: what the service keeps in its SQL row
    media_type, image = pipeline.read_page(row, 1)

What happens to an upload, in this order:

1. ``pipeline`` receives it, counts and hashes while it streams, and stops at the limit. It is never written to disk as it came.
2. Its type is told by content: JPEG, PNG or PDF. The name is only a label (``names``).
3. ``cleaning`` hands it to ``clean_worker``, a process that lives for one document, inherits no secret, and may use only so much
   memory and time. Whatever that process does, dying included, the worst outcome is a refusal. In it:
   a picture is turned upright and encoded anew without metadata (``clean_image``); a PDF loses everything but what its pages
   show, and each page becomes a JPEG (``clean_pdf``).
4. Pages, and for a PDF the cleaned file too, are encrypted with a fresh AES-256-GCM key per document, bound to document and
   page, and put into a blob store: a folder (``blobs``) or a bucket (``s3``). The key itself is wrapped by a key-encryption key
   (``keys``) and goes into the row. Without the row a blob is noise: to forget a document, forget its wrapped key.

What can't be taken raises ``errors.DocumentRefused`` with a stable reason. Everything is synchronous: call it from a thread.
To rotate, put a new key on the first line of the key file; the others stay for as long as documents name them.
"""
