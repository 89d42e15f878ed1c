/// How far a connection has come with proving who it is.
enum Authentication {
    /// Nothing is asked for, or all is proved.
    case open
    case expectsHandshake
    case expectsToken(SASLMechanism)
    case expectsProof(SCRAMExchange)
    /// A wrong answer was given: nothing more is taken.
    case failed
}
