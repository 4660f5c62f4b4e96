"""TLS in front of a server that speaks none, so that a client's side of it can be tried wherever the tests run."""

import asyncio
import ssl
import threading

from tests.support.pki import Pki
from tests.support.ports import free_port


class TlsFront:
    """Takes TLS on ``port`` with the certificate of ``localhost`` and hands what comes to ``behind``.

    ``clients``: a certificate of our CA is asked of them. ``greeted``: how many handshakes held.
    """

    def __init__(self, pki: Pki, behind: int, *, clients: bool = True) -> None:
        self.port, self.greeted, self._behind = free_port(), 0, behind
        self._context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(pki.folder / "ca.pem"))
        self._context.verify_mode = ssl.CERT_REQUIRED if clients else ssl.CERT_NONE
        self._context.load_cert_chain(pki.folder / "internal.pem", pki.folder / "internal-key.pem")
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._tasks: set[asyncio.Task[None]] = set()
        asyncio.run_coroutine_threadsafe(self._start(), self._loop).result(60)

    async def _start(self) -> None:
        self._server = await asyncio.start_server(self._serve, ["127.0.0.1", "127.0.0.2"], self.port, ssl=self._context)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.greeted += 1
        inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", self._behind)
        for task in (self._pump(reader, inner_writer), self._pump(inner_reader, writer)):
            kept = self._loop.create_task(task)
            self._tasks.add(kept)
            kept.add_done_callback(self._tasks.discard)

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65_536):
                writer.write(data)
                await writer.drain()
        except (ConnectionError, ssl.SSLError):
            pass
        finally:
            writer.close()

    async def _stop(self) -> None:
        self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def stop(self) -> None:
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result(60)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(60)
