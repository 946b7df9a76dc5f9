"""The dashboards of Grafana as code. `make dashboards` writes the JSON that is committed.

One definition of each dashboard (`boards/`) in terms of what is asked (`ask.py`); how it is asked
stands in `influxql.py` and `promql.py`. Both languages have the same uids, titles and panels, so a
district that moves from one store to another keeps its bookmarks. Nothing here is needed to run
the program: the JSON is.
"""

from __future__ import annotations

import warnings

# The SDK would rather have the next schema, which Grafana 11 and 12 do not take from files, and
# says so when these modules are first read.
with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    import grafana_foundation_sdk.builders.bargauge
    import grafana_foundation_sdk.builders.dashboard  # noqa: F401
