"""Runs ``recapito-contact-change`` with an outbox that is patient for two seconds, not for half a minute: for tests alone."""

import sys
from datetime import timedelta

from recapito_contact_change.__main__ import main
from recapito_servicekit import outbox

if __name__ == "__main__":
    outbox.REPUBLISH_AFTER = timedelta(seconds=2)  # type: ignore[misc]
    main(sys.argv[1:])
