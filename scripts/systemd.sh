#!/bin/sh
# Writes build/systemd/ioc.service for this folder. Arguments: the user it runs as (default: you).
set -eu
cd "$(dirname "$0")/.."
folder=$(pwd)
user=${1:-$(id -un)}
mkdir -p build/systemd
cat > build/systemd/ioc.service <<UNIT
[Unit]
Description=Mini IOC
After=network-online.target
Wants=network-online.target

[Service]
Type=notify
User=$user
WorkingDirectory=$folder
EnvironmentFile=-$folder/.env
ExecStart=$folder/.venv/bin/ioc run
WatchdogSec=60
Restart=always
RestartSec=2
TimeoutStopSec=20
AmbientCapabilities=CAP_NET_RAW
CapabilityBoundingSet=CAP_NET_RAW
NoNewPrivileges=yes
ProtectSystem=full
PrivateTmp=yes
ProtectKernelTunables=yes
ProtectControlGroups=yes
RestrictSUIDSGID=yes
LimitNOFILE=65536

[Install]
WantedBy=multi-user.target
UNIT
echo "build/systemd/ioc.service"
echo "sudo cp build/systemd/ioc.service /etc/systemd/system/ && sudo systemctl enable --now ioc"
