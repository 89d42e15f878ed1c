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
