/// How far a connection has come with proving who it is.
enum Authentication {
    /// Nothing is asked for, or all is proved.
    case open
    case expectsHandshake
    case expectsToken(SASLMechanism)
    case expectsProof(SCRAMExchange)
    case failed
}

/// The SASL mechanisms that are offered.
enum SASLMechanism: String, CaseIterable {
    case plain = "PLAIN"
    case scramSHA256 = "SCRAM-SHA-256"
}
