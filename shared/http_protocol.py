"""The HTTP server's own refusal, of what is no HTTP at all, in the envelope of all others."""

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from contracts.rejections import Code, Rejection
from shared.http import failure
from shared.ids import new_id


class EnvelopeProtocol(HttpToolsProtocol):
    """uvicorn's, but for what it answers to bytes that it can't read: unknown methods, broken headers."""

    def send_400_response(self, msg: str) -> None:
        rejection = Rejection(code=Code.VALIDATION_ERROR, message=msg)
        answer = failure(rejection, {"X-Request-ID": new_id("req"), "Connection": "close"})
        head = [b"%b: %b\r\n" % header for header in answer.raw_headers]
        self.transport.write(b"".join([b"HTTP/1.1 400 Bad Request\r\n", *head, b"\r\n", bytes(answer.body)]))
        self.transport.close()
