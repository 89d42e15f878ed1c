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
