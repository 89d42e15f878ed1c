import Foundation
import TestSupport
import Testing

@testable import KafkaBridge

/// Whatever the order of records, acknowledgements, failures, topics that come and go, halts, parked events, decisions,
/// redrives, changes of ownership and kills: nothing is lost, order is kept, and no checkpoint passes what is not done.
@Suite struct DeliveryHistoryTests {
    /// `GODWIT_HISTORIES` says how many.
    private static let count = ProcessInfo.processInfo.environment["GODWIT_HISTORIES"].flatMap { Int($0) } ?? 150

    @Test(arguments: [PoisonPolicy.halt, .park], seeds(count, of: "deliveries"))
    func `nothing is lost and nothing overtakes`(_ policy: PoisonPolicy, _ seed: UInt64) throws {
        var history = try DeliveryHistory(seed, policy: policy)
        for _ in 0..<700 { history.step() }
        history.finish()
    }

    @Test(arguments: [PoisonPolicy.halt, .park], seeds(count, of: "deliveries, exactly once"))
    func `exactly once, nothing is doubled either`(_ policy: PoisonPolicy, _ seed: UInt64) throws {
        var history = try DeliveryHistory(seed, policy: policy, isExactlyOnce: true)
        for _ in 0..<900 { history.step() }
        history.finish()
    }
}
