internal import CLibRDKafka
internal import COpenSSL
internal import Glibc
internal import Logging
internal import Synchronization

/// What librdkafka's callbacks of one client find: where to log, where tokens come from, and what was wrong with a broker's
/// certificate, which librdkafka's own errors do not say.
final class ClientContext: Sendable {
    let sink: LogSink
    private let tokens: TokenSource?
    private let redaction: Redaction
    private let failures: SecurityFailure
    private let rejection = Mutex<String?>(nil)
    private let backoff = Mutex(CertificateBackoff())
    private let isEnding = Atomic(false)

    init(sink: LogSink, configuration: ClientConfiguration) {
        self.sink = sink
        tokens = configuration.tokens
        redaction = Redaction(secretsOf: configuration)
        failures = SecurityFailure(configuration)
    }

    /// The client is about to be destroyed, which waits for callbacks under way.
    func end() { isEnding.store(true, ordering: .relaxed) }

    // MARK: Callbacks

    /// The context of a client. Unretained: its handle keeps the context until after the client is destroyed.
    static func of(_ opaque: UnsafeMutableRawPointer) -> ClientContext {
        unsafe Unmanaged<ClientContext>.fromOpaque(opaque).takeUnretainedValue()
    }

    func log(_ level: Int32, _ facility: String, _ line: String) {
        sink.write(level, facility, redaction.apply(line))
    }

    /// Takes what OpenSSL found on one certificate of a broker's chain; true accepts it. Where it does not, this blocks the
    /// broker's thread for a while.
    ///
    /// - Parameter isLast: the certificate is the broker's own, which is looked at last.
    func judge(certificateOf broker: String, code: Int32, isLast: Bool) -> Bool {
        guard code != X509_V_OK else {
            if isLast { backoff.withLock { $0.accepted(broker) } }
            return true
        }
        let text = "the certificate of \(broker) is not accepted: \(CertificateFlaw(code: code))"
        rejection.withLock { $0 = text }
        // Not every call ends with a reason: a request that needs another broker ends when its time is up.
        if RareMessages.shared.isDue(text) { sink.logger.error("\(text)") }
        pause(backoff.withLock { $0.rejected(broker) })
        return false
    }

    /// Blocks, but not past the client's end, which waits for the threads.
    private func pause(_ duration: Duration) {
        let end = ContinuousClock.now + duration
        while ContinuousClock.now < end, !isEnding.load(ordering: .relaxed) { usleep(20_000) }
    }

    /// Gives the client a token, or says why there is none; librdkafka asks again in ten seconds. Blocks.
    func refreshToken(of client: OpaquePointer) {
        guard let tokens else { return }
        do throws(TokenFailure) {
            let token = try tokens.fetch { self.isEnding.load(ordering: .relaxed) }
            if let failure = unsafe Self.set(token, tokens.extensions, on: client) {
                unsafe rd_kafka_oauthbearer_set_token_failure(client, redaction.apply(failure))
            }
        } catch {
            unsafe rd_kafka_oauthbearer_set_token_failure(client, redaction.apply(error.description))
        }
    }

    private static func set(
        _ token: BearerToken, _ extensions: [String: String], on client: OpaquePointer
    ) -> String? {
        var text = [CChar](repeating: 0, count: 512)
        let strings = extensions.sorted { $0.key < $1.key }.flatMap { [$0.key, $0.value] }
        var pointers: [UnsafePointer<CChar>?] = unsafe strings.map { unsafe UnsafePointer(strdup($0)) }
        defer { unsafe pointers.forEach { unsafe free(UnsafeMutablePointer(mutating: $0)) } }
        let status = unsafe rd_kafka_oauthbearer_set_token(
            client, token.text, token.expiry, token.principal, &pointers, pointers.count, &text, text.count)
        return status == RD_KAFKA_RESP_ERR_NO_ERROR ? nil : "the token is not usable: \(String(nulTerminated: text))"
    }

    // MARK: Errors

    /// An error of the client in words that say what is the matter, without secrets.
    func explain(_ error: KafkaError) -> KafkaError {
        var error = error
        error.message = redaction.apply(error.message)
        return failures.explain(error, rejection: rejection.withLock { $0 })
    }
}
