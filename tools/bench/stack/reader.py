"""The classic stack's reader: GET /fraud/CARD answers with what Redis has of it, as JSON, or 404.

    reader.py PORT REDIS-PORT
"""
import http.server
import json
import socket
import sys
import threading

redis_port = int(sys.argv[2])
local = threading.local()


def hash_of(key):
    """The fields of a hash, by a connection a thread."""
    if not hasattr(local, "file"):
        connection = socket.create_connection(("127.0.0.1", redis_port))
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        local.file = connection.makefile("rwb")
    local.file.write(b"*2\r\n$7\r\nHGETALL\r\n$%d\r\n%s\r\n" % (len(key), key))
    local.file.flush()
    count = int(local.file.readline()[1:])
    texts = [local.file.read(int(local.file.readline()[1:]) + 2)[:-2].decode() for _ in range(count)]
    return dict(zip(texts[::2], texts[1::2]))


class Reader(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 1 << 16

    def do_GET(self):
        card = self.path.rpartition("/")[2]
        row = hash_of(b"fraud:" + card.encode())
        body = json.dumps({"card": card, **row}).encode() if row else b"{}"
        self.send_response(200 if row else 404)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Reader).serve_forever()
