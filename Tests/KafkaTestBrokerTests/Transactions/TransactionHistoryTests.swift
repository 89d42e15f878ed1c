import Foundation
import KafkaTestBroker
import TestSupport
import Testing

@Suite("Transaction histories")
struct TransactionHistoryTests {
    /// `GODWIT_SEED` repeats one history as the first.
    private static let histories = seeds(6, of: "transaction histories")

    @Test(arguments: histories)
    func `what is committed shows once and whole, what is aborted never, and nothing hangs`(seed: UInt64) throws {
        let history = try TransactionHistory(seed: seed)
        try history.run(steps: 600)
        let violations = history.violations
        #expect(violations.isEmpty, "GODWIT_SEED=\(seed): \(violations.prefix(5))")
        // A history in which nothing happens would show nothing.
        let seen = history.seen
        #expect(seen["committed", default: 0] > 20, "GODWIT_SEED=\(seed): \(seen)")
        #expect(seen["lost answer", default: 0] > 0 && seen["killed broker", default: 0] > 0, "GODWIT_SEED=\(seed)")
        print("transaction history GODWIT_SEED=\(seed): \(seen.sorted { $0.key < $1.key })")
    }
}
