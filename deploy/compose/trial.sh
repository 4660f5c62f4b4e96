# shellcheck shell=sh disable=SC2034,SC2154
# Read by test, outages and drill: a system in a project and on ports of its own, so that one that runs stays as it is. Not run by itself.
set -eu
cd "$(dirname "$0")/../.."
compose=${COMPOSE:-$(command -v docker-compose || echo docker compose)}

# the environment wins over .env
export COMPOSE="$compose" COMPOSE_FILE=docker-compose.yml:deploy/compose/localhost.yml COMPOSE_PROJECT_NAME=recapito-test COMPOSE_PROFILES=
export RECAPITO_PORTAL_PORT=127.0.0.1:18080 RECAPITO_CONSOLE_PORT=127.0.0.1:18081 RECAPITO_MAILPIT_PORT=127.0.0.1:18025
export RECAPITO_AUTH_PORTS=127.0.0.1:18100-18109 RECAPITO_OTP_PORTS=127.0.0.1:18110-18119
export RECAPITO_CONTACT_CHANGE_PORTS=127.0.0.1:18120-18129 RECAPITO_CLAIMS_PORTS=127.0.0.1:18130-18139
export RECAPITO_PROMETHEUS_PORT=127.0.0.1:18090 RECAPITO_PORTAL_URL=http://localhost:18080 RECAPITO_BACKUPS=backups
export RECAPITO_SECOND_REVIEW_PERCENT=0 # by lot; a trial goes the same way each time

say() { printf '\n== %s\n' "$*"; }
timed() {
    what=$1
    begun=$(date +%s)
    shift
    "$@"
    say "$what: $(($(date +%s) - begun)) s"
}
down() { $compose down --volumes --timeout 20 >/dev/null 2>&1 || true; }
up() { $compose up -d "$@" >/dev/null 2>&1 || { $compose ps; $compose logs --tail 20; return 1; }; deploy/compose/wait-healthy; }
# Runs a program that plays people at the front doors of this system.
play() {
    RECAPITO_DEMO_PORTAL=http://localhost:18080 RECAPITO_DEMO_CONSOLE=http://localhost:18081 RECAPITO_DEMO_INBOX=http://localhost:18025 \
        RECAPITO_DEMO_AUTH="localhost:$($compose port auth 50051 | sed 's/.*://')" RECAPITO_DEMO_TLS="$PWD/deploy/compose/secrets" \
        RECAPITO_DEMO_RUN="$compose exec -T auth" .venv/bin/python "$@" || { $compose logs --tail 30; return 1; }
}
