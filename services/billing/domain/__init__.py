"""The pure rules of billing: no session, no await, no clock, no random; instants and ids come in as arguments."""
