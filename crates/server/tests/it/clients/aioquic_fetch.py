"""Fetches paths by HTTP/3 with aioquic, all at once: HOST PORT CERTIFICATE FOLDER PATH... Writes each content into FOLDER."""

import asyncio
import pathlib
import sys

from aioquic.asyncio.client import connect
from aioquic.asyncio.protocol import QuicConnectionProtocol
from aioquic.h3.connection import H3_ALPN, H3Connection
from aioquic.h3.events import DataReceived, HeadersReceived
from aioquic.quic.configuration import QuicConfiguration

HOST, PORT, CERTIFICATE, FOLDER, *PATHS = sys.argv[1:]


class Client(QuicConnectionProtocol):
    def __init__(self, *arguments, **named):
        super().__init__(*arguments, **named)
        self.http = H3Connection(self._quic)
        self.answers = {}

    def fetch(self, path):
        stream = self._quic.get_next_available_stream_id()
        head = [(b":method", b"GET"), (b":scheme", b"https"), (b":authority", b"a.example"), (b":path", path.encode())]
        self.http.send_headers(stream, head, end_stream=True)
        done = asyncio.get_running_loop().create_future()
        self.answers[stream] = ({}, bytearray(), done)
        self.transmit()
        return done

    def quic_event_received(self, event):
        for event in self.http.handle_event(event):
            head, content, done = self.answers[event.stream_id]
            if isinstance(event, HeadersReceived):
                head.update(event.headers)
            elif isinstance(event, DataReceived):
                content.extend(event.data)
            if event.stream_ended:
                done.set_result((head, bytes(content)))


async def main():
    configuration = QuicConfiguration(alpn_protocols=H3_ALPN, is_client=True, server_name="a.example")
    configuration.load_verify_locations(CERTIFICATE)
    async with connect(HOST, int(PORT), configuration=configuration, create_protocol=Client) as client:
        answers = await asyncio.gather(*[client.fetch(path) for path in PATHS])
    for path, (head, content) in zip(PATHS, answers):
        assert head.get(b"content-length", b"%d" % len(content)) == b"%d" % len(content), (path, head)
        pathlib.Path(FOLDER, path.strip("/").replace("/", "_")).write_bytes(content)
        print(head[b":status"].decode(), path)


asyncio.run(main())
