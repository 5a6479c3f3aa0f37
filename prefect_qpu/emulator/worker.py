"""The process that simulates: programs come in on standard input, results go out on standard output.

It ends with the process that started it, and gives way to it on a busy machine.
"""

import gc
import os
import sys
import threading
from queue import SimpleQueue
from typing import Any, BinaryIO

from prefect_qpu.emulator.frames import frame, read_frame

_NICENESS = 10

Message = tuple[dict[str, Any], bytes]


def main() -> None:
    """Answer programs until the input ends."""
    answers = os.fdopen(os.dup(1), "wb")
    # What a library prints must not mix with the answers.
    os.dup2(2, 1)
    os.nice(_NICENESS)
    messages: SimpleQueue[Message] = SimpleQueue()
    threading.Thread(target=_listen, args=(sys.stdin.buffer, messages), daemon=True).start()
    from prefect_qpu.emulator.programs import run_program, warm_up

    warm_up()
    # Searching the libraries for garbage would now and then hold up a job for a quarter of a second.
    gc.freeze()
    _send(answers, {"ready": True}, b"")
    while True:
        header, params = messages.get()
        _send(answers, *((header, b"") if "ping" in header else run_program(header, params)))


def _listen(stream: BinaryIO, messages: "SimpleQueue[Message]") -> None:
    while (message := read_frame(stream)) is not None:
        messages.put(message)
    # The service is gone: nobody waits for the simulation that may be running.
    os._exit(0)


def _send(stream: BinaryIO, header: dict[str, Any], body: bytes) -> None:
    stream.write(frame(header, body))
    stream.flush()


if __name__ == "__main__":
    main()
