/// The position up to which nothing can appear any more: each position is visible, or will never exist.
///
/// Positions come from a sequence. They are drawn early and become visible at commit, so a reader that resumes behind the
/// last position it saw skips what commits late. Three facts about PostgreSQL make a bound:
///
/// - `nextval` takes a `RowExclusiveLock` on the sequence before it draws, and the top transaction keeps it to its end;
/// - a commit becomes visible before the transaction's locks are released;
/// - `pg_locks` lists every holder.
///
/// So let `L` be the last position drawn, and *then* `W` the transactions that hold the lock. A transaction that drew a
/// position up to `L` and is not in `W` has ended. Once all of `W` have ended too, a snapshot taken after that shows all that ever
/// will be visible up to `L`. That is a *fence*. It waits for its own writers only, never for later ones.
///
/// A writer that prepares its transaction leaves the list under its name and appears, in the same instant, under
/// another one that nothing links to the first. Hence, when writers of a fence vanish, prepared transactions that came
/// since join the fence in their stead. They may have come with the look before: `pg_locks` goes through the sessions
/// first and through the shared table of locks after that, and lists a writer that prepares in between under both names.
///
/// When the connection is lost, begin with a new value. After a restart of the server, virtual transaction ids begin
/// anew, and after a crash so do positions that nobody committed: what was settled may be drawn once more.
///
/// Facts in, horizon out: no I/O, no clock.
package struct SettledHorizon: Sendable {
    /// Everything up to here is settled.
    package private(set) var position: Int64 = 0
    private var fences: [Fence] = []
    /// The prepared transactions of the last two looks, the older first.
    private var prepared: (older: Set<Writer>, newer: Set<Writer>) = ([], [])

    /// More fences than this are not opened: a later look opens the next when the first have closed.
    static let maximumFences = 32

    private struct Fence {
        let lastDrawn: Int64
        var writers: Set<Writer>
    }

    package init() {}

    /// Takes in one look at the database. Looks must not overlap: each begins after the one before was taken in.
    ///
    /// - Parameters:
    ///   - lastDrawn: the last position drawn, read before `writers`.
    ///   - writers: all transactions that hold the lock.
    package mutating func look(lastDrawn: Int64, writers: Set<Writer>) {
        let preparedNow = writers.filter(\.isPrepared)
        // A writer that was listed at the last look and is not now was not prepared at the look before that.
        let newlyPrepared = preparedNow.subtracting(prepared.older)
        for index in fences.indices {
            let vanished = fences[index].writers.subtracting(writers)
            if vanished.contains(where: { !$0.isPrepared }) { fences[index].writers.formUnion(newlyPrepared) }
            fences[index].writers.formIntersection(writers)
        }
        prepared = (prepared.newer, preparedNow)
        // Closed fences need not be the first: a fence's writers are those of the earlier ones and some more, less
        // those that ended in between.
        for fence in fences where fence.writers.isEmpty { advance(to: fence.lastDrawn) }
        if writers.isEmpty { advance(to: lastDrawn) }
        fences.removeAll { $0.lastDrawn <= position }
        if lastDrawn > max(position, fences.last?.lastDrawn ?? 0), fences.count < Self.maximumFences {
            fences.append(Fence(lastDrawn: lastDrawn, writers: writers))
        }
    }

    /// Takes in positions that were seen, ascending: those that follow the horizon without a gap are settled.
    package mutating func sawVisible(_ positions: some Sequence<Int64>) {
        for position in positions {
            if position > self.position + 1 { break }
            advance(to: position)
        }
        fences.removeAll { $0.lastDrawn <= position }
    }

    /// Takes in that everything up to a position was settled, for example because all of it was handed out.
    package mutating func settled(through position: Int64) {
        advance(to: position)
        fences.removeAll { $0.lastDrawn <= position }
    }

    /// The writers of the oldest fence: those who hold the horizon back.
    package var heldBackBy: Set<Writer> { fences.first?.writers ?? [] }

    /// Whether some gap is waited for.
    package var isWaiting: Bool { !fences.isEmpty }

    private mutating func advance(to position: Int64) {
        self.position = max(self.position, position)
    }
}

/// A transaction that may hold positions nobody can see yet.
package struct Writer: Sendable, Hashable {
    /// Its virtual transaction id as `pg_locks` shows it, unique until the server restarts.
    package let virtualTransaction: String
    /// Whether it is prepared for two-phase commit; such a transaction belongs to no session.
    package let isPrepared: Bool

    package init(virtualTransaction: String, isPrepared: Bool) {
        self.virtualTransaction = virtualTransaction
        self.isPrepared = isPrepared
    }
}
