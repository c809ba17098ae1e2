"""The rules of dispatch, pure: no session, no clock, no random. Instants and ids come in as arguments."""
