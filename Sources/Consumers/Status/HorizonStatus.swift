/// How far the settled horizon is, as far as it is known without asking the database.
package struct HorizonStatus: Sendable {
    package let position: Int64
    /// The highest position seen or drawn.
    package let latest: Int64
    /// How long it has waited for an open transaction; `nil` if it does not.
    package let waiting: Duration?
    /// Why nothing is read; `nil` if events are.
    package let problem: SourceProblem?
}

/// Why a source is not read.
package struct SourceProblem: Sendable, Hashable {
    /// For people: what it is, and what to do.
    package let text: String
    /// Whether an operator has to act; otherwise it passes by itself.
    package let isRefusal: Bool
    /// For how long nothing could be read, if that is the problem.
    package var duration: Duration?

    package init(text: String, isRefusal: Bool, duration: Duration? = nil) {
        self.text = text
        self.isRefusal = isRefusal
        self.duration = duration
    }

    /// What follows, with the reason.
    package var sentence: String {
        (duration.map { "nothing could be read for \($0.wholeSeconds) s: " } ?? "nothing is read: ") + text
    }
}

extension Duration {
    /// Rounded down.
    var wholeSeconds: Int64 { components.seconds }
}
