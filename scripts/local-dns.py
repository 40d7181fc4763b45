#!/usr/bin/env python3
"""Answers every question for an IPv4 address with the same list, as Docker's DNS does for a service with replicas.

It lets deploy/haproxy.cfg run without Docker (docs/operations.md shows how):

    scripts/local-dns.py 127.0.0.1:5300 127.0.0.1 127.0.0.2 127.0.0.3
"""

import socket
import struct
import sys

A, IN = 1, 1
TTL_SECONDS = 1


def answer(query: bytes, addresses: list[str]) -> bytes:
    """The response to one query (RFC 1035, section 4): its question again, and an A record for each address."""
    end = query.index(b"\0", 12) + 5
    question = query[12:end]
    kind, _ = struct.unpack("!HH", question[-4:])
    records = [
        struct.pack("!HHHIH", 0xC00C, A, IN, TTL_SECONDS, 4) + socket.inet_aton(address)
        for address in (addresses if kind == A else [])
    ]
    header = query[:2] + struct.pack("!HHHHH", 0x8180, 1, len(records), 0, 0)
    return header + question + b"".join(records)


def main() -> None:
    host, port = sys.argv[1].rsplit(":", 1)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
        listener.bind((host, int(port)))
        while True:
            query, client = listener.recvfrom(4096)
            try:
                listener.sendto(answer(query, sys.argv[2:]), client)
            except (ValueError, struct.error):
                continue  # not a DNS query


if __name__ == "__main__":
    main()
