"""A service's worker process that publishes and does nothing else, until it is stopped."""

import argparse

from benchmarks.workers.service import compose
from chassis.process import serve
from chassis.settings import Shape


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--database", required=True)
    parser.add_argument("--kafka", required=True)
    options = parser.parse_args()
    print("ready", flush=True)
    serve(compose(options.database, options.kafka, http_port=0), Shape.WORKER)


if __name__ == "__main__":
    main()
