#!/bin/sh
# Makes .env (random secrets, readable by you only) and docker/ioc/inventory.yaml for docker-compose.yml.
# What is there stays as it is: only empty secrets are filled in. In docker/ioc, user 10001 (ioc in its
# container) must be able to read inventory.yaml and .env, nobody else needs to.
set -eu
cd "$(dirname "$0")/.."
umask 077
env=.env
new=$env.new
trap 'rm -f $new' EXIT

random() { LC_ALL=C tr -dc 'A-Za-z0-9' < /dev/urandom | head -c 40; }
empty_secret() { case $1 in IOC_STORE_TOKEN= | *_PASSWORD= | *_SECRET_KEY=) true ;; *) false ;; esac; }

# .env may be of a version before this one: what it lacks comes from the example.
: > $new
[ ! -e $env ] || awk 1 $env >> $new   # ends the last line, too
if [ -e $env ]; then
    for name in $(sed -n 's/^\([A-Z_]*\)=.*/\1/p' .env.example); do
        grep -q "^$name=" $env || grep "^$name=" .env.example >> $new
    done
else
    cat .env.example >> $new
fi
while IFS= read -r line || [ -n "$line" ]; do
    if empty_secret "$line"; then printf '%s%s\n' "$line" "$(random)"; else printf '%s\n' "$line"; fi
done < $new > $new.filled
mv $new.filled $env
if [ ! -e docker/ioc/inventory.yaml ]; then
    (umask 022 && cp inventory.yaml docker/ioc/inventory.yaml)
fi
for file in docker/ioc/inventory.yaml docker/ioc/.env; do
    [ -e $file ] || continue
    case $(stat -c '%u %g %a' $file) in
        *[4-7] | "10001 "*[4-7]?? | *" 10001 "*[4-7]?) continue ;;
    esac
    if chgrp 10001 $file 2>/dev/null; then
        chmod g+r $file
    else
        echo "$file: ioc (10001) cannot read it / ioc không đọc được:"
        echo "    sudo chgrp 10001 $file && sudo chmod g+r $file"
    fi
done
echo "$env, docker/ioc/inventory.yaml"
echo "docker compose up -d"
