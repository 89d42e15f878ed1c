internal import COpenSSL
internal import Glibc

/// A TLS session over a connected socket, its certificate and host name verified. Blocks.
@safe final class TLSStream {
    private let context: OpaquePointer
    private let session: OpaquePointer
    private let socket: ClientSocket

    init(_ socket: ClientSocket, host: String, authoritiesFile: String?) throws(TokenFailure) {
        guard let context = unsafe SSL_CTX_new(TLS_client_method()) else { throw TokenFailure(Self.noTLS) }
        guard let session = unsafe Self.makeSession(context, socket.descriptor, host, authoritiesFile) else {
            unsafe SSL_CTX_free(context)
            throw TokenFailure(
                authoritiesFile.map { "cannot be verified: no certificate can be read from \($0)" } ?? Self.noTLS)
        }
        unsafe self.context = unsafe context
        unsafe self.session = unsafe session
        self.socket = socket
        while true {
            ERR_clear_error()
            let status = unsafe SSL_connect(session)
            if status == 1 { return }
            guard try unsafe Self.waits(status, session, self.socket) else {
                let verdict = unsafe SSL_get_verify_result(session)
                throw TokenFailure(
                    verdict == 0
                        ? "does not speak TLS, or ends the connection"
                        : "shows a certificate that is not accepted: \(CertificateFlaw(code: Int32(verdict)))")
            }
        }
    }

    deinit {
        unsafe SSL_free(session)
        unsafe SSL_CTX_free(context)
    }

    private static let noTLS = "cannot be asked: OpenSSL is not usable"

    private static func makeSession(
        _ context: OpaquePointer, _ descriptor: Int32, _ host: String, _ authoritiesFile: String?
    ) -> OpaquePointer? {
        // Macros in C, both.
        _ = unsafe SSL_CTX_ctrl(context, SSL_CTRL_SET_MIN_PROTO_VERSION, Int(TLS1_2_VERSION), nil)
        unsafe SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nil)
        let isTrusting =
            if let authoritiesFile {
                unsafe SSL_CTX_load_verify_locations(context, authoritiesFile, nil)
            } else { unsafe SSL_CTX_set_default_verify_paths(context) }
        guard isTrusting == 1, let session = unsafe SSL_new(context) else { return nil }
        let isName = !host.contains(":") && !host.allSatisfy { $0.isNumber || $0 == "." }
        if isName {
            var name = Array(host.utf8CString)
            _ = unsafe name.withUnsafeMutableBufferPointer { name in
                unsafe SSL_ctrl(
                    session, SSL_CTRL_SET_TLSEXT_HOSTNAME, Int(TLSEXT_NAMETYPE_host_name), name.baseAddress)
            }
        }
        guard unsafe SSL_set1_host(session, host) == 1, unsafe SSL_set_fd(session, descriptor) == 1 else {
            unsafe SSL_free(session)
            return nil
        }
        return unsafe session
    }

    /// Waits for what the session needs to go on; false when it has ended.
    private static func waits(
        _ status: Int32, _ session: OpaquePointer, _ socket: ClientSocket
    ) throws(TokenFailure) -> Bool {
        switch unsafe SSL_get_error(session, status) {
        case SSL_ERROR_WANT_READ: try socket.wait(POLLIN)
        case SSL_ERROR_WANT_WRITE: try socket.wait(POLLOUT)
        default: return false
        }
        return true
    }

    func write(_ bytes: [UInt8]) throws(TokenFailure) {
        while true {
            ERR_clear_error()
            let status = unsafe bytes.withUnsafeBytes { unsafe SSL_write(session, $0.baseAddress, Int32($0.count)) }
            if status > 0 { return }
            guard try unsafe Self.waits(status, session, socket) else { throw TokenFailure("ends the connection") }
        }
    }

    /// The bytes that were read, 0 at the end.
    func read(_ buffer: inout [UInt8]) throws(TokenFailure) -> Int {
        while true {
            ERR_clear_error()
            let status = unsafe buffer.withUnsafeMutableBytes {
                unsafe SSL_read(session, $0.baseAddress, Int32($0.count))
            }
            if status > 0 { return Int(status) }
            guard try unsafe Self.waits(status, session, socket) else { return 0 }
        }
    }
}
