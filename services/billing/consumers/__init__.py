"""What other services say, a module per topic: each translates a list of events and calls one command.

`services.billing.work` lists them.
"""
