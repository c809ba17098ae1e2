# One image per service, with nothing in it but the wire, the chassis, the service and the packages of its own lock file:
#   docker build --build-arg SERVICE=billing --tag waybill-billing .
# A release names the base by its digest: --build-arg PYTHON_IMAGE=python:3.11.14-slim-trixie@sha256:…
ARG PYTHON_IMAGE=python:3.11.14-slim-trixie

FROM ${PYTHON_IMAGE} AS packages
ARG SERVICE
WORKDIR /build
COPY requirements/bootstrap.txt requirements/${SERVICE}.txt ./
RUN python -m pip install --no-cache-dir --require-hashes -r bootstrap.txt \
    && uv venv /opt/waybill \
    && VIRTUAL_ENV=/opt/waybill uv pip sync --no-cache --compile-bytecode --require-hashes "${SERVICE}.txt"

FROM ${PYTHON_IMAGE} AS console
WORKDIR /build
COPY requirements/front.txt ./
RUN python -m pip install --no-cache-dir --require-hashes -r front.txt
COPY chassis/console/front chassis/console/front
RUN python chassis/console/front/bundle.py

FROM ${PYTHON_IMAGE} AS service
ARG SERVICE
LABEL org.opencontainers.image.title="waybill-${SERVICE}"
ENV SERVICE=${SERVICE} \
    PATH=/opt/waybill/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    HTTP_HOST=0.0.0.0 \
    HTTP_PORT=8000
WORKDIR /srv/waybill
COPY --from=packages /opt/waybill /opt/waybill
COPY contracts contracts
COPY chassis chassis
COPY --from=console /build/chassis/console/static chassis/console/static
COPY services/__init__.py services/
COPY services/${SERVICE} services/${SERVICE}
# The file system is read-only where it runs.
RUN python -m compileall -q contracts chassis services
ENV PYTHONDONTWRITEBYTECODE=1

USER 10001:10001
EXPOSE 8000
HEALTHCHECK --interval=15s --timeout=10s --start-period=60s --retries=4 \
    CMD ["python", "-c", "import os, urllib.request as web; web.urlopen(f'http://127.0.0.1:{os.environ[\"HTTP_PORT\"]}/health/live', timeout=5)"]
# What follows is the command: api, worker, all or migrate. `exec` makes the service the one that gets the signals.
ENTRYPOINT ["/bin/sh", "-c", "exec python -m \"services.$SERVICE\" \"$@\"", "waybill"]
CMD ["all"]
