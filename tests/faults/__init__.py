"""The fault campaign: real services over real servers, what goes wrong, and what must hold all the same.

    make faults ROUNDS=20 SEED=7              # twenty rounds, each of one or two faults under a steady load of leads
    make faults ROUNDS=3 SEED=7 ONLY=14       # of fault 14 alone; ONLY=3,14 for either, ONLY=3+14 for both at once
    make faults KILLS=1000 SEED=7             # rounds of the faults that kill, until so many processes were killed
    pytest tests/faults                       # the short form: every fault once, many in one round (short_form.py)

Every random choice comes from the seed. A round that fails prints the one command that repeats it.

How to add a fault
------------------
1. Write `tests/faults/fault_<number>_<name>.py` with a subclass of `Fault` (fault.py). It says of itself:
   - `number`, and in one sentence each what it `injects` and what `holds`: the report prints both;
   - `needs_cluster` for three brokers, `kills` where it kills processes, `is_alone` where nothing else may go on beside
     it because it restarts a server or stalls the load.
2. `async def inject(self, at: Round)` does it, under the load that is running, and returns when the last of it is done.
   `at.rig` has the processes, the proxies and the databases; `at.chance` is the only source of chance; `at.scale` says
   how much of it. `at.note("kills")` counts what the report shows. `at.require(...)` is for what must hold besides
   I1 to I8; it does not end the round, so that the invariants are checked as well. Nothing is slept for: `eventually`
   waits for a condition, with `at.scale.settle_seconds` as its deadline.
3. Who starts or ends a service's processes, or counts on its living on, does so under
   `async with at.rig.hold(service)`, as other faults may go on at the same time.
4. `async def verify(self, at: Round)`, where there is something to look at when all has settled.
5. Add its name to a round of `short_form.py`, beside faults that do not upset what it asks for. Then play it alone,
   `make faults ROUNDS=1 ONLY=<Name> FORM=short`, and with its round, `pytest tests/faults/test_campaign.py -k <round>`.
6. See it fail: take the remedy out of the product for a moment. A fault that holds without it proves nothing.

What a round does
-----------------
It starts the load (load.py, boards.py), injects, restarts what is dead, takes back what was ordered of the proxies,
waits until all is settled (settling.py, I7) and has the independent reader check the other invariants (checker.py).
What a fault puts into a topic that nobody committed it adds to `at.checker.injected`, with who has to park it.

Where things are: points.py (something happens at an exact point inside a process), tests/kit/proxy.py (it happens to a
connection), stripe_desk.py (it happens at Stripe), writers.py and client_stream.py (who writes, and is held back),
witness.py (what was committed), facts.py (what must be told), effects.py (what must come of it), subscriptions.py (who
consumes what), rig.py.
"""
