import NIOCore

/// `SaslAuthenticate`: carries the messages of the chosen mechanism.
enum SaslAuthenticate {
    struct Request: RequestBody {
        var message = ByteBuffer()

        mutating func fields(_ wire: inout Coder) { wire(&message) }
    }

    struct Response: Message {
        var error = KafkaErrorCode.none
        var flaw: String?
        var message = ByteBuffer()

        mutating func fields(_ wire: inout Coder) {
            wire(&error, &flaw, &message)
            wire.unused("session_lifetime_ms", Int64(0), 1...)
        }
    }
}

extension Broker {
    func saslAuthenticate(_ request: SaslAuthenticate.Request, _ context: RequestContext) {
        let connection = context.connection
        do throws(Refusal) {
            if let code = context.injectedError() { throw Refusal(code, "a fault refuses the request") }
            let (next, answer) = try authenticate(request.message, connection.authentication)
            connection.authentication = next
            context.reply(SaslAuthenticate.Response(message: ByteBuffer(string: answer)))
        } catch {
            connection.authentication = .failed
            context.reply(SaslAuthenticate.Response(error: error.code, flaw: error.message))
        }
    }

    /// What the connection is to do next, and what it is answered.
    private func authenticate(
        _ message: ByteBuffer, _ state: Authentication
    ) throws(Refusal) -> (next: Authentication, answer: String) {
        let invalidToken = #"{"status":"invalid_token"}"#
        let text = String(buffer: message)
        switch state {
        case .expectsToken(.plain):
            guard isAllowed(text) else { throw .wrongPassword }
            return (.open, "")
        case .expectsToken(.oauthBearer):
            let isAllowed = SignedToken.isAllowed(
                Array(buffer: message), secret: configuration.tokenSecret ?? "", now: Double(now) / 1000)
            return isAllowed ? (.open, "") : (.expectsDismissal, invalidToken)
        case .expectsToken(let mechanism):
            let exchange = try SCRAMExchange(mechanism, first: text, users: configuration.users)
            return (.expectsProof(exchange), exchange.challenge)
        case .expectsProof(let exchange): return (.open, try exchange.finish(text))
        case .expectsDismissal: throw Refusal(.saslAuthenticationFailed, invalidToken)
        case .open, .expectsHandshake, .failed: throw Refusal(.illegalSaslState, "SaslHandshake must come first")
        }
    }

    /// Whether a PLAIN token, identity, name and password between zero bytes, is right.
    private func isAllowed(_ token: String) -> Bool {
        let parts = token.split(separator: "\u{0}", omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 3, let password = configuration.users[parts[1]] else { return false }
        return password == parts[2]
    }
}

extension Refusal {
    static let wrongPassword = Refusal(
        .saslAuthenticationFailed, "Authentication failed: Invalid username or password")
}
