"""Fill a real store with the demo district, to look at the dashboards in a real Grafana:

    export IOC_STORE_TOKEN=...
    python -m tests.integration.grafana "influxdb://127.0.0.1:8086/ioc?org=huyen" 7

The last word is how many days. Everything ends now; repeat it to have something current.
"""

from __future__ import annotations

import sys
import time
from itertools import islice

from ioc.store import open_store
from tests.integration.grafana._district import District

BATCH = 20_000


def main(url: str, days: int = 7) -> int:
    """Number of points is printed."""
    store, count = open_store(url), 0
    points = District(days, time.time_ns() // 1_000_000).points()
    while batch := list(islice(points, BATCH)):
        store.write(batch)
        count += len(batch)
    store.close()
    print(count)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], *(int(word) for word in sys.argv[2:3])))
