import Logging
import Synchronization

/// Knows who asks, and lets them in and out.
final class AdminDoor: Sendable {
    private struct State {
        var sessions = Sessions()
        var limit = SignInLimit()
    }

    let tokens: AdminTokens
    private let logger: Logger
    private let state = Mutex(State())

    init(_ tokens: AdminTokens, logger: Logger) {
        self.tokens = tokens
        self.logger = logger
    }

    /// Who asks to look. A wrong token is nobody's.
    func caller(of request: AdminRequest) -> AdminCaller {
        if tokens.isEmpty { return .anyone }
        if let bearer = request.bearer {
            return AdminCaller(role: tokens.role(of: bearer) ?? .visitor, name: "", formToken: nil, canSignIn: true)
        }
        guard let session = session(of: request) else {
            return AdminCaller(role: .visitor, name: "", formToken: nil, canSignIn: true)
        }
        return AdminCaller(role: session.role, name: session.name, formToken: session.formToken, canSignIn: true)
    }

    /// Why a change is refused.
    enum Refusal: Error, Sendable, Hashable {
        /// Nothing can be changed here.
        case off
        /// No token, or a wrong one, and no session.
        case unknown
        /// Whose token it is may only look.
        case viewer
        /// The form may come from elsewhere.
        case foreign
    }

    /// Who asks to change something.
    ///
    /// A token says so by itself. A session needs the token that its forms bring along, since a browser sends its cookie with what other
    /// pages make of it too, and the request must not say that it comes from another page.
    func operating(_ request: AdminRequest) throws(Refusal) -> AdminCaller {
        guard tokens.canChange else { throw .off }
        if let token = request.bearer ?? request.fields["token"] {
            switch tokens.role(of: token) {
            case .operator: return AdminCaller(role: .operator, name: "", formToken: nil, canSignIn: true)
            case .viewer: throw .viewer
            default: throw .unknown
            }
        }
        guard let session = session(of: request) else { throw .unknown }
        guard request.isForm, request.isFromOwnPage,
            AdminToken(session.formToken)?.matches(request.fields["form_token"]) == true
        else { throw .foreign }
        guard session.role == .operator else { throw .viewer }
        return AdminCaller(role: .operator, name: session.name, formToken: session.formToken, canSignIn: true)
    }

    private func session(of request: AdminRequest) -> Session? {
        guard let id = request.sessionID else { return nil }
        return state.withLock { $0.sessions.find(id, at: .now) }
    }

    // MARK: In and out

    enum SignIn: Sendable {
        case done(id: String)
        case wrong
        case tooMany(Duration)
        case foreign
    }

    /// Begins a session under a new id; one that the browser had is over.
    func signIn(_ request: AdminRequest) -> SignIn {
        guard request.isForm, request.isFromOwnPage else { return .foreign }
        let now = ContinuousClock.now
        if let wait = state.withLock({ $0.limit.wait(of: request.remote, at: now) }) { return .tooMany(wait) }
        guard let role = tokens.role(of: request.fields["token"]) else {
            state.withLock { $0.limit.failed(request.remote, at: now) }
            logger.warning("a sign-in was refused: wrong token", metadata: ["remote": "\(request.remote)"])
            return .wrong
        }
        let name = LogLine.harmless(String((request.fields["actor"] ?? "").prefix(80)))
        let id = state.withLock { state in
            if let former = request.sessionID { state.sessions.end(former) }
            var random = SystemRandomNumberGenerator()
            return state.sessions.begin(role, name: name, at: now, using: &random).id
        }
        logger.info(
            "signed in", metadata: ["remote": "\(request.remote)", "role": "\(role.name)", "actor": "\(name)"])
        return .done(id: id)
    }

    /// Ends the session, if the request is the session's own.
    ///
    /// - Returns: false where another page may have sent it.
    func signOut(_ request: AdminRequest) -> Bool {
        guard let id = request.sessionID, let session = session(of: request) else { return true }
        guard request.isForm, request.isFromOwnPage,
            AdminToken(session.formToken)?.matches(request.fields["form_token"]) == true
        else { return false }
        state.withLock { $0.sessions.end(id) }
        return true
    }
}
