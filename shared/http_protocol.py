"""The HTTP server's connections: no upgrades, and refusals of what is no HTTP in the envelope of all others."""

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from contracts.rejections import Code, Rejection
from shared.http import failure
from shared.ids import new_id


class EnvelopeProtocol(HttpToolsProtocol):
    """uvicorn's protocol, except that it declines upgrades and answers unreadable bytes in the envelope.

    A server may ignore `Upgrade` and answer the request as it is (RFC 9110, 7.8). The parser can't: it takes what
    follows the headers for the other protocol, so the request's body would be lost. Such a request is therefore parsed
    again, from its headers on, without the offer.
    """

    def data_received(self, data: bytes) -> None:
        self._unset_keepalive_if_required()
        try:
            self._feed(memoryview(data))
        except httptools.HttpParserError:
            message = "Invalid HTTP request received."
            self.logger.warning(message)
            self.send_400_response(message)

    def _feed(self, data: memoryview) -> None:
        """Parses the data, which may hold several requests. Raises HttpParserError."""
        while data:
            try:
                self.parser.feed_data(data)
            except httptools.HttpParserUpgrade as offer:
                data = data[offer.args[0] :]
                self._parse_without_upgrade()
            else:
                return

    def _parse_without_upgrade(self) -> None:
        method, version = self.parser.get_method(), self.parser.get_http_version().encode()
        if method == b"CONNECT":
            raise httptools.HttpParserInvalidMethodError
        kept = [b"%b: %b\r\n" % header for header in self.headers if header[0] != b"upgrade"]
        head = b"".join([b"%b %b HTTP/%b\r\n" % (method, self.url, version), *kept, b"\r\n"])
        self.parser = httptools.HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn sets it
        self.parser.feed_data(head)

    def on_headers_complete(self) -> None:
        if not self.parser.should_upgrade():
            super().on_headers_complete()

    def on_message_complete(self) -> None:
        if not self.parser.should_upgrade():  # otherwise this ends only the headers, and the cycle is another request's
            super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        rejection = Rejection(code=Code.VALIDATION_ERROR, message=msg)
        answer = failure(rejection, {"X-Request-ID": new_id("req"), "Connection": "close"})
        head = [b"%b: %b\r\n" % header for header in answer.raw_headers]
        self.transport.write(b"".join([b"HTTP/1.1 400 Bad Request\r\n", *head, b"\r\n", bytes(answer.body)]))
        self.transport.close()
