"""What Waybill costs and gains, as ratios of programs that are measured beside each other in one run.

`make bench` runs every program of `benchmarks/programs/`, `make bench NAME=relay` those whose name begins so,
`make bench NAME=P5` the one with that figure; `RUNS=` is how often each side runs (5), `SCALE=` multiplies all sizes.

How a program is written
------------------------
A module of `benchmarks/programs/` has three names:

    NUMBERS = ("P3", "P4")          # the figures that it measures
    LIBRARIES = ("faststream",)     # whose versions are printed, beside those of the product
    @asynccontextmanager
    async def figures(stage: Stage) -> AsyncIterator[Sequence[Figure]]: ...

`figures` starts the servers and makes the databases, yields the figures, and takes down what the stage does not.
A `Figure` has a title, sides and claims. A `Side` is an asynchronous function that does one run and returns what it
measured by the metric's name, whose last word is the unit: `{"events/s": 60_900.0}` or `{"p99 ms": percentile(...)}`.
Setting up and clearing up happen inside that function, outside the part whose time it takes. A `Claim` compares the
medians of one metric of two sides, and may have a target. The harness runs the sides in turn (A, B, A, B, ...), keeps
every sample in `var/bench.json`, where figures measured at other times stay, each with its machine, and writes
`docs/performance.md` and its chart from that file and from `remarks.md`.

What runs beside the harness is a process of its own: `stage.start("benchmarks.workers.relay", ...)` starts a module
and waits until it has printed `ready`; its last line of output is its result as JSON (`stage.result_of`).
Ours is always the product's code in the product's configuration: durable commits, acknowledged by all, idempotent.
"""
