"""HTTP/2 frame by frame, also as no client should send them."""

import socket
import struct
import time

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE = (
    0, 1, 3, 4, 6, 7, 8)
END_STREAM, END_HEADERS = 1, 4
NO_WINDOW = struct.pack(">HI", 4, 0)  # SETTINGS_INITIAL_WINDOW_SIZE = 0
CANCEL, REFUSED_STREAM, ENHANCE_YOUR_CALM = 8, 7, 11


def frame(kind, flags, stream, payload=b""):
    return (struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) +
            struct.pack(">I", stream) + payload)


def integer(value, bits, first=0):
    """HPACK's prefixed integer."""
    top = (1 << bits) - 1
    if value < top:
        return bytes([first | value])
    out = [first | top]
    value -= top
    while value >= 128:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])


def header(name, value):
    """A literal that enters no table."""
    name, value = name.encode(), value.encode()
    return (b"\x00" + integer(len(name), 7) + name + integer(len(value), 7) +
            value)


class Peer:
    def __init__(self, port, settings=b"", sock=None):
        self.sock = sock or socket.create_connection(("127.0.0.1", port), 5)
        self.held = b""
        self.closed = False
        self.frames = []
        self.send(PREFACE + frame(SETTINGS, 0, 0, settings))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sock.close()

    def send(self, data):
        try:
            self.sock.sendall(data)
        except OSError:
            self.closed = True

    def request(self, stream, method, path, *headers, end=True):
        block = b"".join(header(*h) for h in [
            (":method", method), (":path", path), (":scheme", "http"),
            (":authority", "bulla"), *headers])
        self.send(frame(HEADERS, END_HEADERS | (END_STREAM if end else 0),
                        stream, block))

    def data(self, stream, data, end=False):
        self.send(frame(DATA, END_STREAM if end else 0, stream, data))

    def ping(self):
        self.send(frame(PING, 0, 0, b"\x00" * 8))

    def reset(self, stream):
        self.send(frame(RST_STREAM, 0, stream, struct.pack(">I", CANCEL)))

    def window(self, stream, bytes_):
        self.send(frame(WINDOW_UPDATE, 0, stream, struct.pack(">I", bytes_)))

    def receive(self, seconds, until=lambda kind, flags, stream: False):
        """Collects frames until one is wanted, the end, or the time is up."""
        end = time.monotonic() + seconds
        while True:
            while len(self.held) >= 9:
                size = int.from_bytes(self.held[:3], "big")
                if len(self.held) < 9 + size:
                    break
                kind, flags = self.held[3], self.held[4]
                stream = int.from_bytes(self.held[5:9], "big") & 0x7fffffff
                self.frames.append(
                    (kind, flags, stream, self.held[9:9 + size]))
                self.held = self.held[9 + size:]
                if until(kind, flags, stream):
                    return True
            left = end - time.monotonic()
            if left <= 0 or self.closed:
                return False
            self.sock.settimeout(left)
            try:
                received = self.sock.recv(1 << 18)
            except socket.timeout:
                return False
            except OSError:
                received = b""
            self.closed = not received
            self.held += received

    def answer(self, stream, seconds=10):
        """The stream's whole body; its status must be read off the text."""
        def ends(kind, flags, of):
            return of == stream and (
                kind == RST_STREAM or (kind in (HEADERS, DATA) and
                                       flags & END_STREAM))
        if not any(ends(*f[:3]) for f in self.frames):
            self.receive(seconds, ends)
        return b"".join(f[3] for f in self.frames
                        if f[0] == DATA and f[2] == stream)

    def error_of(self, stream):
        for kind, _, of, payload in self.frames:
            if kind == RST_STREAM and of == stream:
                return int.from_bytes(payload, "big")
        return None

    def goaway_error(self):
        for kind, _, _, payload in self.frames:
            if kind == GOAWAY:
                return int.from_bytes(payload[4:8], "big")
        return None
