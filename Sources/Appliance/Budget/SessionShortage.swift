import Postgres

/// Says which of a relay's sessions are waited for, where it is a session that is missing and not the server. A pure
/// value.
struct SessionShortage: Sendable {
    let need: SessionNeed

    /// - Parameters:
    ///   - waits: what has waited for seconds.
    ///   - isPooled: a pooler is between, which lets its clients wait.
    /// - Returns: nil where nothing is known to be missing.
    func text(_ waits: [SessionWaits.Wait], isPooled: Bool) -> String? {
        let hasControl = !waits.contains { $0.purpose == .control }
        let missing = waits.filter { wait in
            // Events flow without it, and its age shows that nothing is audited.
            if wait.purpose == .audit || wait.purpose == .retention { return false }
            if wait.refusal.map(Self.isShortage) == true { return true }
            return wait.isHanging && (isPooled || hasControl)
        }
        guard !missing.isEmpty else { return nil }
        let reason = missing.lazy.compactMap(\.refusal).first { Self.isShortage($0) }
        let words = reason.map { ": \($0.message)" } ?? (isPooled ? ": the pooler gives none" : "")
        let names = missing.map(\.purpose.rawValue).joined(separator: ", ")
        return "waits for a database session (\(names))\(words); a relay needs \(need.text)"
    }

    private static func isShortage(_ error: PostgresError) -> Bool {
        error.sqlState?.rawValue == "53300" || error.message.contains("query_wait_timeout")
    }
}
