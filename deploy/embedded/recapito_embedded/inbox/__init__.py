"""The inbox: takes every mail and text of the development system and shows it: on a page, and over Mailpit's API."""
