/// What the server has prepared on one connection, known by text and parameter types.
///
/// The names are the connection's own. Two statements that share a label never share a name, and the token keeps the
/// names apart from those of other connections, which matters where a pooler hands one server session from client to
/// client.
///
/// ``use(of:label:)`` makes up a name, and ``confirm(_:)`` or ``refuse(_:)`` settles whether the server took it. When
/// there is no more room, or the server's plan no longer serves, the name becomes surplus, which the connection closes
/// at the server when it can.
struct StatementCache: Sendable {
    /// By what the server distinguishes prepared statements.
    ///
    /// Compared byte by byte: `String` takes two texts for equal that differ in how an accent is encoded, and PostgreSQL
    /// does not.
    struct Key: Sendable, Hashable {
        let sql: String
        let types: [UInt32]

        static func == (left: Key, right: Key) -> Bool {
            guard left.types == right.types, left.sql.utf8.count == right.sql.utf8.count else { return false }
            return unsafe left.sql.utf8.span.withUnsafeBytes { left in
                unsafe right.sql.utf8.span.withUnsafeBytes { right in unsafe left.elementsEqual(right) }
            }
        }

        func hash(into hasher: inout Hasher) {
            unsafe sql.utf8.span.withUnsafeBytes { unsafe hasher.combine(bytes: $0) }
            hasher.combine(types)
        }
    }

    /// How to run a statement.
    enum Use: Sendable, Hashable {
        /// The server has it under the name, or will have when it gets there: an earlier statement prepares it.
        case prepared(String)
        /// It is to be prepared under the name first.
        case prepare(String)
        /// There is no room: it is to be sent with its text.
        case unprepared
    }

    private struct Entry {
        let name: String
        var lastUse: UInt64
    }

    /// How many statements stay prepared.
    let capacity: Int
    /// A part of each name, made up for the connection.
    let token: String
    private var counter: UInt64 = 0
    private var clock: UInt64 = 0
    private var entries: [Key: Entry] = [:]
    /// Names that were given out for preparation, not settled yet.
    private var pending: [Key: String] = [:]
    /// Names that the server still has and that no statement uses any more.
    private var surplus: [String] = []

    init(capacity: Int = 256, token: String = Self.randomToken()) {
        precondition(capacity > 0)
        self.capacity = capacity
        self.token = token
    }

    var hasSurplus: Bool { !surplus.isEmpty }

    /// How many statements the server has, or may have once it has answered: never more than twice the capacity.
    var count: Int { entries.count + pending.count + surplus.count }

    /// The name under which the server has the statement.
    mutating func preparedName(of key: Key) -> String? {
        clock += 1
        guard let index = entries.index(forKey: key) else { return nil }
        entries.values[index].lastUse = clock
        return entries.values[index].name
    }

    /// Decides how the statement is to be run.
    ///
    /// - Parameter label: a word for people; it need not be unique.
    mutating func use(of key: Key, label: String) -> Use {
        if let name = preparedName(of: key) { return .prepared(name) }
        if let name = pending[key] { return .prepared(name) }
        // Surplus cannot be closed within a transaction block, where a failure to do so would fail the block.
        guard count < 2 * capacity else { return .unprepared }
        counter += 1
        let name = "\(Self.sanitized(label))_\(token)_\(counter)"
        pending[key] = name
        return .prepare(name)
    }

    /// The server has prepared the statement. What was not used for the longest time makes room.
    mutating func confirm(_ key: Key) {
        guard let name = pending.removeValue(forKey: key) else { return }
        entries[key] = Entry(name: name, lastUse: clock)
        // A linear search, once for each statement that is prepared beyond the capacity.
        while entries.count > capacity, let oldest = entries.min(by: { $0.value.lastUse < $1.value.lastUse }) {
            entries[oldest.key] = nil
            surplus.append(oldest.value.name)
        }
    }

    /// The server has not prepared the statement: it refused, or skipped it after an earlier failure.
    mutating func refuse(_ key: Key) {
        pending[key] = nil
    }

    /// The server no longer runs what it had under the name: it does not know it, or the columns have changed.
    ///
    /// That is seldom about one statement: a reset of the session takes all, and an altered table those of every
    /// statement on it. All are given up together, or else each of them would fail a transaction of its own. Their names
    /// become surplus, as the server may still have them.
    mutating func giveUp(_ name: String) {
        // A name that never was confirmed, because its preparation failed in the same pipeline, says nothing of others.
        guard entries.contains(where: { $0.value.name == name }) else { return }
        surplus += entries.values.map(\.name)
        entries = [:]
    }

    /// Hands out the names that the server has and no statement uses any more, to be closed.
    mutating func takeSurplus() -> [String] {
        defer { surplus = [] }
        return surplus
    }

    /// The server still has the name that was to be closed.
    mutating func restore(_ name: String) {
        surplus.append(name)
    }

    // MARK: Names

    /// The label as it may appear in a name, so short that the whole stays below the server's 63 bytes.
    private static func sanitized(_ label: String) -> String {
        let kept = label.utf8.prefix(24).map { byte -> UInt8 in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"): byte
            case UInt8(ascii: "A")...UInt8(ascii: "Z"): byte | 0x20
            default: UInt8(ascii: "_")
            }
        }
        return kept.isEmpty ? "godwit" : String(decoding: kept, as: UTF8.self)
    }

    private static func randomToken() -> String {
        String(UInt64.random(in: 0...UInt64.max), radix: 36)
    }
}
