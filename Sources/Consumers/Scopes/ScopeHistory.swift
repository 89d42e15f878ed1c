package import EventSourcing

/// What a consumer's checkpoints stand for: where each segment began, and which events its owners wanted since.
///
/// An event that no entry of its segment wanted was passed over, and is not missing. A pure value.
package struct ScopeHistory: Sendable, Equatable {
    /// From a position on, these events were wanted, up to the next entry.
    package struct Entry: Sendable, Equatable {
        /// The scope holds behind this position.
        package let after: Int64
        package let scope: EventScope

        package init(after: Int64, scope: EventScope) {
            self.after = after
            self.scope = scope
        }
    }

    /// By segment, ascending by position.
    private var entries: [Int: [Entry]] = [:]

    package init() {}

    /// Adds an entry of a segment; one at the same position is replaced.
    package mutating func add(_ entry: Entry, to segment: Int) {
        var list = entries[segment, default: []]
        let index = list.firstIndex { $0.after >= entry.after } ?? list.endIndex
        if index < list.endIndex, list[index].after == entry.after {
            list[index] = entry
        } else {
            list.insert(entry, at: index)
        }
        entries[segment] = list
        assert(zip(list, list.dropFirst()).allSatisfy { $0.after < $1.after })
    }

    /// The entries of a segment, ascending.
    func list(_ segment: Int) -> [Entry] { entries[segment] ?? [] }

    /// The lowest position behind which a segment began; `nil` where nothing is recorded.
    package var start: Int64? { entries.values.compactMap { $0.first?.after }.min().map { max(0, $0) } }

    /// The position of the first entry of a segment whose beginnings nobody recorded: an earlier version made it.
    static let unrecorded: Int64 = -1

    /// What of events is looked into to judge them.
    package var parts: Set<EventCondition.Part> {
        entries.values.reduce(into: []) { parts, list in
            for entry in list { parts.formUnion(entry.scope.filter.parts) }
        }
    }

    /// The scopes of the last entries that another scope is to take the place of, each once.
    package func replaced(by scope: EventScope) -> [EventScope] {
        var replaced: [EventScope] = []
        for last in entries.values.compactMap(\.last?.scope)
        where !last.isEquivalent(to: scope) && !replaced.contains(where: { $0.isEquivalent(to: last) }) {
            replaced.append(last)
        }
        return replaced
    }

    package enum Judgement: Sendable, Equatable {
        /// The consumer delivers the event, or has done so.
        case wanted
        /// It lies before the position at which the consumer began.
        case beforeStart
        /// The consumer's scope did not include it at the time.
        case outsideScope
        /// It lies in a part of the log that the consumer passed under a version that kept no record.
        case unrecorded
    }

    /// What the consumer had to do with an event that lies in its scope of today. Without a record it had to deliver all.
    package func judge(_ event: EventView, segment: Int) -> Judgement {
        judge(event.globalPosition, segment: segment) { $0.contains(event) }
    }

    func judge(_ position: Int64, segment: Int, isIn: (EventScope) -> Bool) -> Judgement {
        guard let list = entries[segment], let first = list.first else { return .wanted }
        guard position > first.after else { return .beforeStart }
        let entry = list.last { $0.after < position } ?? first
        if entry.after == Self.unrecorded { return .unrecorded }
        return isIn(entry.scope) ? .wanted : .outsideScope
    }

    // MARK: Recording

    /// What is to be recorded when a segment is claimed with a scope.
    struct Update: Sendable, Equatable {
        let segment: Int
        /// The scope that held before, where it was another one.
        let before: EventScope?
        let entry: Entry
        /// Entries behind this position count no longer: the segment was set back before them.
        let dropsBehind: Int64
    }

    /// What a worker has to record for segments that it owns; empty where the record is right already.
    ///
    /// A segment without a record was made by a version that kept none: what it had to do with events up to its checkpoint
    /// is not known.
    func updates(_ owned: [(segment: Int, checkpoint: Int64)], scope: EventScope) -> [Update] {
        owned.flatMap { segment, checkpoint -> [Update] in
            guard entries[segment]?.isEmpty == false else {
                return [Self.unrecorded, checkpoint].map {
                    Update(
                        segment: segment, before: nil, entry: Entry(after: $0, scope: scope), dropsBehind: checkpoint)
                }
            }
            return update(segment, checkpoint, scope).map { [$0] } ?? []
        }
    }

    private func update(_ segment: Int, _ checkpoint: Int64, _ scope: EventScope) -> Update? {
        guard let list = entries[segment], let first = list.first else { return nil }
        let isSetBack = checkpoint < first.after
        let last = list.last { $0.after <= checkpoint }
        let hasLater = list.contains { $0.after > checkpoint }
        // What is delivered again from here on is known from now on.
        let isRecorded = last?.after != Self.unrecorded
        if let last, isRecorded, last.scope.isEquivalent(to: scope) {
            return hasLater ? Update(segment: segment, before: nil, entry: last, dropsBehind: checkpoint) : nil
        }
        return Update(
            segment: segment, before: isSetBack || !isRecorded ? nil : last?.scope,
            entry: Entry(after: checkpoint, scope: scope), dropsBehind: checkpoint)
    }
}
