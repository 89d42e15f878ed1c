/// What a caller of the admin port may do. Each role includes the ones before it.
enum AdminRole: Int, Sendable, Comparable, CaseIterable {
    /// Has not said who it is.
    case visitor
    /// May look at everything, and change nothing.
    case viewer
    /// May change what can be changed.
    case `operator`

    static func < (left: AdminRole, right: AdminRole) -> Bool { left.rawValue < right.rawValue }

    var name: String {
        switch self {
        case .visitor: "visitor"
        case .viewer: "viewer"
        case .operator: "operator"
        }
    }
}

/// The tokens of the configuration: which role each gives.
struct AdminTokens: Sendable {
    private let `operator`: AdminToken?
    private let viewer: AdminToken?

    init(operator text: String?, viewer: String?) {
        self.operator = AdminToken(text)
        self.viewer = AdminToken(viewer)
    }

    /// Whether no token is configured: then everyone who reaches the port may look, and nobody can change anything.
    var isEmpty: Bool { self.operator == nil && viewer == nil }

    /// Whether anything can be changed at all.
    var canChange: Bool { self.operator != nil }

    /// The role that a token gives; `nil` for one that is wrong. Both are compared, whatever the first comparison says.
    func role(of text: String?) -> AdminRole? {
        let isOperator = self.operator?.matches(text) ?? false
        let isViewer = viewer?.matches(text) ?? false
        return isOperator ? .operator : isViewer ? .viewer : nil
    }
}

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
