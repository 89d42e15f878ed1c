/// A browser that has signed in. A pure value.
struct Session: Sendable, Hashable {
    let role: AdminRole
    /// Who the user says they are, for the audit.
    let name: String
    /// What each form of the session brings along, so that no other page can send one.
    let formToken: String
    let began: ContinuousClock.Instant
    var used: ContinuousClock.Instant

    /// A session that is not used ends after so long.
    static let longestRest: Duration = .seconds(12 * 3_600)
    /// Each ends after so long.
    static let longest: Duration = .seconds(7 * 86_400)

    func isOver(at now: ContinuousClock.Instant) -> Bool {
        now - used >= Self.longestRest || now - began >= Self.longest
    }
}

/// The sessions of a process, by ids that cannot be guessed. A pure value: time and randomness are given to it.
struct Sessions: Sendable {
    /// More of one role are not kept: the one that was not used for longest makes room. A role's sessions never push out another's.
    static let mostOfRole = 64

    private var sessions: [String: Session] = [:]

    var count: Int { sessions.count }

    /// Begins a session under an id of its own. What a browser brought along is never taken for an id.
    mutating func begin(
        _ role: AdminRole, name: String, at now: ContinuousClock.Instant, using random: inout some RandomNumberGenerator
    ) -> (id: String, session: Session) {
        sessions = sessions.filter { !$0.value.isOver(at: now) }
        let own = sessions.filter { $0.value.role == role }
        if own.count >= Self.mostOfRole, let oldest = own.min(by: { $0.value.used < $1.value.used })?.key {
            sessions[oldest] = nil
        }
        let session = Session(
            role: role, name: name, formToken: Self.secret(using: &random), began: now, used: now)
        let id = Self.secret(using: &random)
        sessions[id] = session
        return (id, session)
    }

    /// The session of an id, which counts as used then; `nil` where there is none, or it is over.
    mutating func find(_ id: String, at now: ContinuousClock.Instant) -> Session? {
        guard var session = sessions[id] else { return nil }
        if session.isOver(at: now) {
            sessions[id] = nil
            return nil
        }
        session.used = now
        sessions[id] = session
        return session
    }

    mutating func end(_ id: String) { sessions[id] = nil }

    /// 256 random bits, as hexadecimal digits.
    private static func secret(using random: inout some RandomNumberGenerator) -> String {
        (0..<4).map { _ in
            let digits = String(random.next() as UInt64, radix: 16)
            return String(repeating: "0", count: 16 - digits.count) + digits
        }.joined()
    }
}
