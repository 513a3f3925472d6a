"""The channels of an attached command, as Kubernetes' ``v5.channel.k8s.io`` has them.

The first byte of a message is its channel, the rest its data: the exit code and the terminal's size are JSON, and what
ENDED carries is a channel.
"""

from __future__ import annotations

STDIN, STDOUT, STDERR, EXIT, SIZE, ENDED = 0, 1, 2, 3, 4, 255
