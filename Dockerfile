# Mini IOC as a container: libraries by their hashes, no compiler, no pip, no root in what runs.
#
#   docker build -t mini-ioc:0.1.0 .
#
# Ping: a process that is not root gets no capability from `--cap-add`, and none from its file when
# new privileges are forbidden. What works is the kernel's unprivileged ICMP socket: docker-compose.yml
# allows it with the setting net.ipv4.ping_group_range, for this group only.
FROM python:3.12-slim-bookworm AS libraries

WORKDIR /src
COPY requirements.lock ./
RUN python -m venv --without-pip /opt/ioc \
    && python -m pip --python /opt/ioc/bin/python install --no-cache-dir --no-deps \
        --require-hashes --disable-pip-version-check -r requirements.lock
COPY ioc /opt/ioc/app/ioc
COPY collectors /opt/ioc/app/collectors
COPY dashboards/json /opt/ioc/app/dashboards/json
COPY docker/launch.py /opt/ioc/bin/ioc
RUN echo /opt/ioc/app > "$(/opt/ioc/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/mini-ioc.pth" \
    && chmod 755 /opt/ioc/bin/ioc \
    && /opt/ioc/bin/python -m compileall -q /opt/ioc/app

FROM python:3.12-slim-bookworm

RUN groupadd --gid 10001 ioc \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /var/lib/ioc --shell /usr/sbin/nologin ioc \
    && install -d -o 10001 -g 10001 -m 750 /var/lib/ioc /var/backups/ioc \
    && install -d /etc/ioc \
    && rm -rf /usr/local/lib/python3.12/site-packages/pip /usr/local/lib/python3.12/ensurepip /usr/local/bin/pip*
COPY --from=libraries /opt/ioc /opt/ioc

ENV PATH=/opt/ioc/bin:$PATH \
    LANG=C.UTF-8 \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    IOC_DATA_DIR=/var/lib/ioc/data \
    IOC_BACKUP_DIR=/var/backups/ioc \
    IOC_INVENTORY=/etc/ioc/inventory.yaml \
    IOC_LISTEN=0.0.0.0:8080

# inventory.yaml and, if wanted, a .env with the addresses of channels.
WORKDIR /etc/ioc
USER 10001:10001
EXPOSE 8080
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s --retries=4 \
    CMD ["python", "-I", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8080/healthz', timeout=4)"]
ENTRYPOINT ["ioc"]
CMD ["run"]
