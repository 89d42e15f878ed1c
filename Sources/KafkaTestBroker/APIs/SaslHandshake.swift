/// `SaslHandshake`: the client chooses a mechanism.
enum SaslHandshake {
    struct Request: RequestBody {
        var mechanism = ""

        mutating func fields(_ wire: inout Coder) { wire(&mechanism) }
    }

    struct Response: ErrorAnswer {
        var error = KafkaErrorCode.none
        var mechanisms: [String] = []

        mutating func fields(_ wire: inout Coder) { wire(&error, &mechanisms) }
    }
}

extension Broker {
    func saslHandshake(_ request: SaslHandshake.Request, _ context: RequestContext) {
        let offered = SASLMechanism.offered(configuration)
        var response = SaslHandshake.Response.made { () throws(KafkaErrorCode) in
            try context.injectedError().check()
            guard case .expectsHandshake = context.connection.authentication else { throw .illegalSaslState }
            guard let mechanism = SASLMechanism(rawValue: request.mechanism), offered.contains(mechanism) else {
                throw .unsupportedSaslMechanism
            }
            context.connection.authentication = .expectsToken(mechanism)
            return .init()
        }
        response.mechanisms = offered.map(\.rawValue)
        context.reply(response)
    }

    /// Whether a connection that has not proved who it is may send this.
    func mayAsk(_ kind: RequestKind, _ connection: Connection) -> Bool {
        switch connection.authentication {
        case .open: true
        case .failed: false
        default: kind == .apiVersions || kind == .saslHandshake || kind == .saslAuthenticate
        }
    }
}

/// The SASL mechanisms that are offered.
enum SASLMechanism: String, CaseIterable {
    case plain = "PLAIN"
    case scramSHA256 = "SCRAM-SHA-256"
    case scramSHA512 = "SCRAM-SHA-512"
    case oauthBearer = "OAUTHBEARER"

    /// Those that there is something to check against for.
    static func offered(_ configuration: BrokerConfiguration) -> [SASLMechanism] {
        allCases.filter { mechanism in
            mechanism == .oauthBearer ? configuration.tokenSecret != nil : !configuration.users.isEmpty
        }
    }
}
