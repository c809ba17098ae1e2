"""The fault campaign: real services over real servers, what goes wrong, and what must hold all the same.

    make faults ROUNDS=20 SEED=7              # twenty rounds, each of one or two faults under a steady load of leads
    make faults ROUNDS=3 SEED=7 ONLY=14       # of fault 14 alone; ONLY=3,14 for either, ONLY=3+14 for both at once
    make faults KILLS=1000 SEED=7             # rounds of the faults that kill, until so many processes were killed

Every random choice comes from the seed. A round that fails prints the one command that repeats it.

To add a fault, write `tests/faults/fault_<number>_<name>.py` with a subclass of `Fault` (fault.py):

- `number`, and in one sentence each what `injects` and what `holds`; `needs_cluster` for three brokers, `kills` where
  it kills processes, `is_alone` where nothing else may go on beside it (it restarts a server, or stalls all).
- `async def inject(self, at: Round)`: does it, under the load that is running, and returns when the last of it is done.
  `at.rig` has the processes, the proxies and the databases; `at.chance` is the only source of chance; `at.scale` says
  how much of it. `at.note("kills")` counts what the report shows, `at.require(...)` is for what must hold besides I1
  to I8.
- Who starts or ends a service's processes does it under `async with at.rig.hold(service)`.
- `async def verify(self, at: Round)`, where there is something to look at when all has settled.

After `inject` the round restarts what is dead, takes back what was ordered of the proxies, waits until all is settled
(I7) and has the independent reader check the other invariants (checker.py). What a fault puts into a topic itself it
adds to `at.checker.injected`. The rest: points.py (something happens at an exact point inside a process),
tests/kit/proxy.py (something happens to a connection), witness.py (what was committed), facts.py (what must be there),
rig.py, load.py.
"""
