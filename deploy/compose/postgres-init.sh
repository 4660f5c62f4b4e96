#!/bin/sh
# Run once by the postgres image, on an empty volume: a database and its owner for each service; nobody else may connect to it.
set -eu
for service in auth contact-change claims; do
    name=$(echo "$service" | tr - _)
    psql --quiet --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --set "name=$name" \
        --set "password=$(cat "/run/secrets/$service-database-password")" <<'SQL'
CREATE ROLE :"name" LOGIN PASSWORD :'password';
CREATE DATABASE :"name" OWNER :"name" ENCODING 'UTF8';
REVOKE ALL ON DATABASE :"name" FROM PUBLIC;
SQL
done
