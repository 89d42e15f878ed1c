import FoundationEssentials
import Synchronization

/// The account of a running demo, shared by its writers and its reader, with a clock of its own.
final class DemoLedger: Sendable {
    private let account = Mutex(DemoAccount())
    private let written = Atomic(false)
    private let start = ContinuousClock.now

    var now: Duration { ContinuousClock.now - start }

    func commit(_ events: [UUID], at time: Duration) { account.withLock { $0.commit(events, at: time) } }

    func rollBack(_ events: [UUID]) { account.withLock { $0.rollBack(events) } }

    func receive(_ receipts: [Receipt]) {
        let time = now
        account.withLock { account in
            for receipt in receipts {
                account.receive(receipt.event, of: receipt.aggregate, version: receipt.version, at: time)
            }
        }
    }

    /// One record as the ledger needs it.
    struct Receipt: Sendable {
        var event: UUID
        var aggregate: DemoAccount.Aggregate
        var version: Int64
    }

    /// The last transaction has been entered.
    func endWriting() { written.store(true, ordering: .releasing) }

    var isWritten: Bool { written.load(ordering: .acquiring) }

    var counts: (committed: Int, received: Int) {
        account.withLock { ($0.committedCount, $0.receivedCount) }
    }

    var isComplete: Bool { account.withLock { $0.isComplete } }

    var report: DemoReport { account.withLock { $0 }.report }
}
