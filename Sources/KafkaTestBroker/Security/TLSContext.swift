import COpenSSL

/// The certificate and key that all TLS connections of a broker share.
///
/// OpenSSL from the system, and not swift-nio-ssl: libpq and librdkafka bring it along anyway, and the other would build a
/// TLS library of its own with every first build, for minutes.
final class TLSContext {
    let context: OpaquePointer

    init(_ settings: BrokerConfiguration.TLS) throws(BrokerError) {
        guard let context = SSL_CTX_new(TLS_server_method()) else {
            throw BrokerError(.configuration, "TLS is not available: \(Self.lastError())")
        }
        self.context = context
        // At least TLS 1.2; the call is a macro in C.
        SSL_CTX_ctrl(context, SSL_CTRL_SET_MIN_PROTO_VERSION, Int(TLS1_2_VERSION), nil)
        guard SSL_CTX_use_certificate_chain_file(context, settings.certificateFile) == 1 else {
            throw BrokerError(
                .configuration, "cannot use the certificate \(settings.certificateFile): \(Self.lastError())")
        }
        guard SSL_CTX_use_PrivateKey_file(context, settings.keyFile, SSL_FILETYPE_PEM) == 1,
            SSL_CTX_check_private_key(context) == 1
        else {
            throw BrokerError(.configuration, "cannot use the key \(settings.keyFile): \(Self.lastError())")
        }
        if let authorities = settings.clientAuthoritiesFile {
            guard SSL_CTX_load_verify_locations(context, authorities, nil) == 1 else {
                throw BrokerError(.configuration, "cannot use the authorities \(authorities): \(Self.lastError())")
            }
            SSL_CTX_set_client_CA_list(context, SSL_load_client_CA_file(authorities))
            SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nil)
        }
    }

    deinit { SSL_CTX_free(context) }

    static func lastError() -> String {
        let code = ERR_get_error()
        guard code != 0 else { return "unknown reason" }
        var text = [CChar](repeating: 0, count: 256)
        ERR_error_string_n(code, &text, text.count)
        return text.withUnsafeBufferPointer { buffer in
            buffer.baseAddress.map { String(cString: $0) } ?? "unknown reason"
        }
    }
}
