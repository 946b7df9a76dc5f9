"""What must arrive elsewhere, stored before it is sent.

messages   few and precious: rows of the state database, put in the transaction of what they tell
batches    many and alike: samples for a server on the network, in a file of their own
backoff    how long to wait before trying again, the same for both
"""

from __future__ import annotations

from ioc.outbox.messages import (
    DEAD,
    DROPPED,
    SENT,
    WAITING,
    Message,
    Outbox,
    Stored,
    put,
    table,
)

__all__ = ["DEAD", "DROPPED", "SENT", "WAITING", "Message", "Outbox", "Stored", "put", "table"]
