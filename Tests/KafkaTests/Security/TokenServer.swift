import FoundationEssentials
import TestSupport

/// A token endpoint as a process of its own, over HTTP or HTTPS, for one client's credentials.
struct TokenServer {
    static let clientID = "relay client"
    static let clientSecret = "client+secret/of:this%test"

    let url: String
    private let process: RunningCommand

    /// - Parameter answer: What a client with the right credentials is told.
    static func start(answer: String, isChunked: Bool = false, certificate: String = "", key: String = "") async throws
        -> Self
    {
        let expected = "relay%20client:client%2Bsecret%2Fof%3Athis%25test"
        let process = try Command(
            "/usr/bin/python3", ["-c", script, answer, expected, isChunked ? "1" : "", certificate, key]
        ).start()
        guard await process.waitForOutput("\n") else { throw TestCertificates.Unmade(reason: process.standardError) }
        let port = process.standardOutput.prefix { $0 != "\n" }
        return TokenServer(
            url: "\(certificate.isEmpty ? "http" : "https")://localhost:\(port)/token?tenant=1", process: process)
    }

    func stop() async {
        process.send(9)
        _ = await process.result()
    }

    private static let script = """
        import base64, http.server, ssl, sys
        answer, expected, chunked, certificate, key = sys.argv[1:]
        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            def log_message(self, *_): pass
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                kind, value = self.headers["Authorization"].split(" ")
                right = base64.b64decode(value).decode() == expected and kind == "Basic" \\
                    and body == "grant_type=client_credentials&scope=kafka%20write" and self.path == "/token?tenant=1"
                text = (answer if right else '{"error":"invalid_client","error_description":"not you"}').encode()
                self.send_response(200 if right else 401)
                if chunked:
                    self.send_header("Transfer-Encoding", "chunked")
                    self.end_headers()
                    for part in (text[:7], text[7:]):
                        self.wfile.write(b"%x\\r\\n%s\\r\\n" % (len(part), part))
                    self.wfile.write(b"0\\r\\n\\r\\n")
                else:
                    self.send_header("Content-Length", str(len(text)))
                    self.end_headers()
                    self.wfile.write(text)
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate, key)
            server.socket = context.wrap_socket(server.socket, server_side=True)
        print(server.server_port, flush=True)
        server.serve_forever()
        """
}
