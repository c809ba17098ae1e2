"""The rules of mail: no session, no clock, no random; times and ids come in as arguments."""
