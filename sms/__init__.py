"""SMS: a port (`port`), the providers behind it and the choice among them (`providers`), their templates, codes and callbacks.
Who gets which text and when is decided in `messages`; retrying, failing over and recording too. See docs/sms.md.
"""
