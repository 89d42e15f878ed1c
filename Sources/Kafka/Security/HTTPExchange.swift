internal import COpenSSL
internal import Glibc

/// One HTTP request and its response, over TLS or not. Blocks.
///
/// Own code, on the OpenSSL that librdkafka brings along: all that is needed is one POST in many minutes, and an HTTP client
/// library would bring another TLS library, or libcurl and what it needs, into every image.
enum HTTPExchange {
    static func perform(
        _ request: [UInt8], with url: TokenURL, authoritiesFile: String?, within limit: Duration,
        isEnding: () -> Bool
    ) throws(TokenFailure) -> HTTPResponse {
        let bytes = try withoutActuallyEscaping(isEnding) { isEnding throws(TokenFailure) -> [UInt8] in
            let socket = try ClientSocket(url.host, url.port, until: .now + limit, isEnding: isEnding)
            let mask = BrokenPipeMask()
            defer { mask.restore() }
            if url.isSecure {
                let stream = try TLSStream(socket, host: url.host, authoritiesFile: authoritiesFile)
                try stream.write(request)
                return try readToEnd { buffer throws(TokenFailure) in try stream.read(&buffer) }
            }
            try write(request, to: socket)
            return try readToEnd { buffer throws(TokenFailure) in try read(&buffer, from: socket) }
        }
        guard let response = HTTPResponse(bytes) else { throw TokenFailure("does not answer in HTTP") }
        return response
    }

    private static func readToEnd(
        _ read: (inout [UInt8]) throws(TokenFailure) -> Int
    ) throws(TokenFailure) -> [UInt8] {
        var all: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 8192)
        while case let count = try read(&buffer), count > 0 {
            all += buffer[..<count]
            guard all.count <= TokenSource.maximumBytes else { throw TokenFailure("answers too much") }
            // Some servers keep the connection although they were asked to close it.
            if HTTPResponse.isWhole(all) { break }
        }
        return all
    }

    private static func write(_ bytes: [UInt8], to socket: ClientSocket) throws(TokenFailure) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = unsafe rest.withUnsafeBytes { unsafe send(socket.descriptor, $0.baseAddress, $0.count, 0) }
            if count > 0 {
                rest = rest.dropFirst(count)
            } else if errno == EAGAIN || errno == EINTR {
                try socket.wait(POLLOUT)
            } else {
                throw TokenFailure("ends the connection")
            }
        }
    }

    private static func read(
        _ buffer: inout [UInt8], from socket: ClientSocket
    ) throws(TokenFailure) -> Int {
        while true {
            let count = unsafe buffer.withUnsafeMutableBytes {
                unsafe recv(socket.descriptor, $0.baseAddress, $0.count, 0)
            }
            if count >= 0 { return count }
            guard errno == EAGAIN || errno == EINTR else { throw TokenFailure("ends the connection") }
            try socket.wait(POLLIN)
        }
    }
}

/// Keeps a write to a connection that has ended from raising SIGPIPE on this thread; OpenSSL's writes would.
struct BrokenPipeMask {
    private var before = sigset_t()
    private var pipe = sigset_t()

    init() {
        unsafe sigemptyset(&pipe)
        unsafe sigaddset(&pipe, SIGPIPE)
        unsafe pthread_sigmask(SIG_BLOCK, &pipe, &before)
    }

    func restore() {
        var (before, pipe) = (before, pipe)
        var none = timespec()
        if unsafe sigismember(&before, SIGPIPE) == 0 { unsafe sigtimedwait(&pipe, nil, &none) }
        unsafe pthread_sigmask(SIG_SETMASK, &before, nil)
    }
}
