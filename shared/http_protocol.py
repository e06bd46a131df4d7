"""The HTTP server's connections: no upgrades, and refusals of what is no HTTP in the envelope of all others."""

from http import HTTPStatus

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from contracts.rejections import Code, Rejection
from shared.http import failure
from shared.ids import new_id

_LINGERING_SECONDS = 2.0
NOT_HTTP = Rejection(code=Code.VALIDATION_ERROR, message="Invalid HTTP request received.")


class EnvelopeProtocol(HttpToolsProtocol):
    """uvicorn's protocol, except that it declines upgrades and answers unreadable bytes in the envelope.

    A server may ignore `Upgrade` and answer the request as it is (RFC 9110, 7.8). The parser can't: it takes what
    follows the headers for the other protocol, so the request's body would be lost. Such a request is therefore parsed
    again, from its headers on, without the offer.
    """

    refused = False
    """Whether a request was refused here. The connection takes no further one."""
    has_request_in_hand = False
    """Whether `cycle` is about the request that is being received, and not about an earlier one."""

    def data_received(self, data: bytes) -> None:
        if self.refused:
            return
        self._unset_keepalive_if_required()
        try:
            self.feed(data)
        except httptools.HttpParserError:
            self.refuse(HTTPStatus.BAD_REQUEST, NOT_HTTP)

    def feed(self, data: bytes) -> None:
        """Parses the data, which may hold several requests. Raises HttpParserError."""
        rest = memoryview(data)
        while rest:
            try:
                self.parser.feed_data(rest)
            except httptools.HttpParserUpgrade as offer:
                rest = rest[offer.args[0] :]
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
            self.has_request_in_hand = True

    def on_message_complete(self) -> None:
        if not self.parser.should_upgrade():  # otherwise this ends only the headers, and the cycle is another request's
            super().on_message_complete()
            self.has_request_in_hand = False

    def refuse(self, status: HTTPStatus, rejection: Rejection) -> None:
        """Answers the request that is being received, in place of the application, and closes the connection.

        Responses keep the order of requests: if an earlier request still waits for its response, that is the last one.
        """
        self.refused = True
        self.logger.warning("Refused on the connection with %d: %s", status, rejection.message)
        if self.cycle is None or self.cycle.response_complete:
            self._close_with(None if self.has_request_in_hand else _response(status, rejection))
        elif self.has_request_in_hand:
            self.cycle.disconnected = True  # the application learns that nobody waits for it
            self.cycle.message_event.set()
            self._close_with(None if self.cycle.response_started else _response(status, rejection))
        else:
            self.cycle.keep_alive = False

    def _close_with(self, response: bytes | None) -> None:
        """Closes after the client has: what it still sends would reset the connection and lose the response."""
        if response is not None:
            self.transport.write(response)
        if self.transport.can_write_eof():  # not over TLS
            self.transport.write_eof()
        self.loop.call_later(_LINGERING_SECONDS, self.transport.abort)


def _response(status: HTTPStatus, rejection: Rejection) -> bytes:
    answer = failure(rejection, {"X-Request-ID": new_id("req"), "Connection": "close"})
    head = [b"%b: %b\r\n" % header for header in answer.raw_headers]
    line = f"HTTP/1.1 {status} {status.phrase}\r\n".encode()
    return b"".join([line, *head, b"\r\n", bytes(answer.body)])
