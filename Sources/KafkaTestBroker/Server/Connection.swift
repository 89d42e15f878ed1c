/// What the broker knows of one client connection.
final class Connection {
    let number: Int
    /// The node the client believes to talk to.
    let node: Int32
    let clientHost: String
    var authentication: Authentication
    /// The fetch that waits on this connection, if any.
    var pendingFetch: FetchWait?
    var isOpen = true

    init(number: Int, node: Int32, clientHost: String, authentication: Authentication) {
        self.number = number
        self.node = node
        self.clientHost = clientHost
        self.authentication = authentication
    }
}

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
