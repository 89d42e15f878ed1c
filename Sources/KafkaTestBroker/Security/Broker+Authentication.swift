import NIOCore

extension Broker {
    func saslHandshake(_ request: SaslHandshakeRequest, _ context: RequestContext) {
        let offered = SASLMechanism.offered(configuration)
        let mechanisms = offered.map(\.rawValue)
        func refuse(_ code: KafkaErrorCode) {
            context.reply(SaslHandshakeResponse(errorCode: code, mechanisms: mechanisms))
        }
        if let code = context.injectedError() { return refuse(code) }
        guard case .expectsHandshake = context.connection.authentication else { return refuse(.illegalSaslState) }
        guard let mechanism = SASLMechanism(rawValue: request.mechanism), offered.contains(mechanism) else {
            return refuse(.unsupportedSaslMechanism)
        }
        context.connection.authentication = .expectsToken(mechanism)
        refuse(.none)
    }

    func saslAuthenticate(_ request: SaslAuthenticateRequest, _ context: RequestContext) {
        func refuse(_ code: KafkaErrorCode, _ message: String) {
            context.connection.authentication = .failed
            context.reply(SaslAuthenticateResponse(errorCode: code, errorMessage: message))
        }
        if let code = context.injectedError() { return refuse(code, "a fault refuses the request") }
        let token = String(buffer: request.authBytes)
        do throws(SCRAMExchange.Failure) {
            switch context.connection.authentication {
            case .expectsToken(.plain):
                guard isAllowed(token) else { throw SCRAMExchange.Failure() }
                context.connection.authentication = .open
                context.reply(SaslAuthenticateResponse())
            case .expectsToken(.oauthBearer):
                let now = Double(self.now) / 1000
                let isAllowed = SignedToken.isAllowed(
                    Array(buffer: request.authBytes), secret: configuration.tokenSecret ?? "", now: now)
                context.connection.authentication = isAllowed ? .open : .expectsDismissal
                let flaw = isAllowed ? ByteBuffer() : ByteBuffer(string: #"{"status":"invalid_token"}"#)
                context.reply(SaslAuthenticateResponse(authBytes: flaw))
            case .expectsDismissal:
                refuse(.saslAuthenticationFailed, #"{"status":"invalid_token"}"#)
            case .expectsToken(let mechanism):
                let exchange = try SCRAMExchange(mechanism, first: token, users: configuration.users)
                context.connection.authentication = .expectsProof(exchange)
                context.reply(SaslAuthenticateResponse(authBytes: ByteBuffer(string: exchange.challenge)))
            case .expectsProof(let exchange):
                let proof = try exchange.finish(token)
                context.connection.authentication = .open
                context.reply(SaslAuthenticateResponse(authBytes: ByteBuffer(string: proof)))
            case .open, .expectsHandshake, .failed:
                refuse(.illegalSaslState, "SaslHandshake must come first")
            }
        } catch {
            refuse(.saslAuthenticationFailed, "Authentication failed: Invalid username or password")
        }
    }

    /// Whether a PLAIN token, identity, name and password between zero bytes, is right.
    private func isAllowed(_ token: String) -> Bool {
        let parts = token.split(separator: "\u{0}", omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 3, let password = configuration.users[parts[1]] else { return false }
        return password == parts[2]
    }

    /// Whether a connection that has not proved who it is may send this.
    func mayAsk(_ api: APIKey, _ connection: Connection) -> Bool {
        switch connection.authentication {
        case .open: true
        case .failed: false
        default: api == .apiVersions || api == .saslHandshake || api == .saslAuthenticate
        }
    }
}
