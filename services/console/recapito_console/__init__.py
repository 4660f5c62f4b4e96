"""The operators' console: the queue of contact changes, a case field by field, the decision. It holds stubs and no state."""
