#!/bin/bash
# Runs once, when InfluxDB is set up: Grafana may read the bucket and nothing else. Whoever may look at
# dashboards can send any query, so its password must not be one that may also delete.
set -euo pipefail
exec influx v1 auth create --org "$DOCKER_INFLUXDB_INIT_ORG" --username grafana \
    --password "$GRAFANA_STORE_PASSWORD" --read-bucket "$DOCKER_INFLUXDB_INIT_BUCKET_ID" >/dev/null
