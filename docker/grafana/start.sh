#!/bin/sh
# Starts Grafana with dashboards whose links lead to where people open the pages of ioc.
#
#   start.sh FROM TO COMMAND...    CONSOLE_URL: as in a browser, http://10.1.2.3:8080
#
# FROM holds the dashboards as they come, TO is where Grafana reads them.
set -eu
from=$1
to=$2
shift 2
url=${CONSOLE_URL:-http://127.0.0.1:8080}
while [ "${url%/}" != "$url" ]; do url=${url%/}; done
# It goes into JSON and into an expression of sed: nothing that means something there.
case $url in
    *[!]A-Za-z0-9.:/_~%[-]*) bad=true ;;
    http://?* | https://?*) bad=false ;;
    *) bad=true ;;
esac
if $bad; then
    echo "CONSOLE_URL=$url: must look like http://10.1.2.3:8080" >&2
    exit 1
fi
for file in "$from"/*.json; do
    sed "s|http://127\.0\.0\.1:8080|$url|g" "$file" > "$to/${file##*/}"
done
exec "$@"
