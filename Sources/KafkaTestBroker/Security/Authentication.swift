/// How far a connection has come with proving who it is.
enum Authentication {
    /// Nothing is asked for, or all is proved.
    case open
    case expectsHandshake
    case expectsToken(SASLMechanism)
    case expectsProof(SCRAMExchange)
    /// A token was not accepted, and the client has to say that it knows (RFC 7628).
    case expectsDismissal
    /// A wrong answer was given: nothing more is taken.
    case failed
}
