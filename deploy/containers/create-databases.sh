#!/bin/sh
# Run once by PostgreSQL's image, on an empty data directory: a database per service, with the role that owns it (it
# migrates) and the role that serves (it owns nothing). DATABASE_PASSWORD is of those who serve,
# DATABASE_OWNER_PASSWORD of those who own.
set -eu

for service in $SERVICES; do
    owner="${service}_owner"
    database="waybill_$service"
    psql -v ON_ERROR_STOP=1 -U "$POSTGRES_USER" -d postgres \
        -v service="$service" -v owner="$owner" -v database="$database" \
        -v password="$DATABASE_PASSWORD" -v owner_password="$DATABASE_OWNER_PASSWORD" <<'SQL'
CREATE ROLE :"owner" LOGIN PASSWORD :'owner_password';
CREATE ROLE :"service" LOGIN PASSWORD :'password';
CREATE DATABASE :"database" OWNER :"owner";
REVOKE ALL ON DATABASE :"database" FROM PUBLIC;
GRANT CONNECT, TEMPORARY ON DATABASE :"database" TO :"service";
\connect :"database"
GRANT USAGE ON SCHEMA public TO :"service";
ALTER DEFAULT PRIVILEGES FOR ROLE :"owner" IN SCHEMA public
    GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO :"service";
ALTER DEFAULT PRIVILEGES FOR ROLE :"owner" IN SCHEMA public
    GRANT USAGE, SELECT ON SEQUENCES TO :"service";
SQL
done
