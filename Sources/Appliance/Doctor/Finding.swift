/// One thing that `godwit doctor` found, and what fixes it.
package struct Finding: Sendable, Hashable {
    package enum Severity: String, Sendable, Hashable, CaseIterable {
        /// Relaying does not work, or loses what it promises.
        case error
        /// It works, and will not in some case, or worse than it could.
        case warning
        /// Worth knowing.
        case note

        var tone: Terminal.Tone {
            switch self {
            case .error: .bad
            case .warning: .doubtful
            case .note: .quiet
            }
        }
    }

    package let severity: Severity
    /// What it is about, for scripts: `sequence_cache`.
    package let check: String
    /// What was found, a sentence without its full stop.
    package let message: String
    /// A command or a change of the configuration.
    package let remedy: String?

    static func error(_ check: String, _ message: String, _ remedy: String? = nil) -> Finding {
        Finding(severity: .error, check: check, message: message, remedy: remedy)
    }

    static func warning(_ check: String, _ message: String, _ remedy: String? = nil) -> Finding {
        Finding(severity: .warning, check: check, message: message, remedy: remedy)
    }

    static func note(_ check: String, _ message: String, _ remedy: String? = nil) -> Finding {
        Finding(severity: .note, check: check, message: message, remedy: remedy)
    }
}
