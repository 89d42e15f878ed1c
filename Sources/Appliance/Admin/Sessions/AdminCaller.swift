/// Who asks something of the admin port, and what they may do.
struct AdminCaller: Sendable {
    let role: AdminRole
    /// Of a session; empty where none was given.
    let name: String
    /// What forms of the session bring along; `nil` without a session.
    let formToken: String?
    /// Whether tokens are configured, so that there is something to sign in with.
    let canSignIn: Bool

    /// Where nothing is configured to sign in with.
    static let anyone = AdminCaller(role: .viewer, name: "", formToken: nil, canSignIn: false)

    var isSignedIn: Bool { formToken != nil }
    /// Whether pages offer what can be changed.
    var canChange: Bool { role == .operator && isSignedIn }
}
