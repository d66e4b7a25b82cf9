"""Between a program and a server: of each call that writes the first answer is lost, after the server has acted."""

import http.server
import threading
import urllib.error
import urllib.request


class Handler(http.server.BaseHTTPRequestHandler):

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        request = urllib.request.Request(self.server.to + self.path, body or None, method=self.command,
                                         headers={"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                status, text = answer.status, answer.read()
        except urllib.error.HTTPError as error:
            status, text = error.code, error.read()
        if self.command != "GET" and not self.path.endswith("/search") and self.path not in self.server.lost:
            self.server.lost.append(self.path)
            self.close_connection = True
            return
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_POST = do_PATCH = do_DELETE = do_GET

    def log_message(self, *_):
        pass


class Forgetful(http.server.ThreadingHTTPServer):
    """Gives requests on; `lost` has the paths whose first answer did not come back."""

    daemon_threads = True

    def __init__(self, to):
        super().__init__(("127.0.0.1", 0), Handler)
        self.to, self.lost = to, []
        self.url = f"http://127.0.0.1:{self.server_port}"

    def __enter__(self):
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_):
        self.shutdown()
        self.server_close()
