import TestSupport
import Testing

@testable import Consumers

/// Generated histories of owners and takers, which search for two workers that rely on a segment at one time. `GODWIT_SEED`
/// replays a failure.
@Suite struct LeaseHistoryTests {
    private static let minutes = 5
    private let defaults: LeaseTerms

    init() throws { defaults = try LeaseTerms(beat: .seconds(2), stale: .seconds(30)) }

    private func run(_ seed: UInt64, _ terms: [(LeaseTerms, LeaseHistory.Version)], isMissing: Bool = true)
        -> LeaseHistory
    {
        var history = LeaseHistory(seed, terms: terms, faults: .init(isMissing: isMissing))
        history.run(until: Self.minutes * 60_000)
        return history
    }

    @Test(arguments: seeds(100, of: "leases"))
    func `no two workers rely on a segment at one time`(seed: UInt64) {
        let history = run(seed, Array(repeating: (defaults, .current), count: 3))
        #expect(history.violation == nil)
    }

    /// Histories in which nothing happens would show nothing.
    @Test func `segments change their owners in most histories`() {
        let terms = Array(repeating: (defaults, LeaseHistory.Version.current), count: 3)
        let takeovers = (1...20).map { run(UInt64($0), terms).takeovers }
        #expect(takeovers.count { $0 > 1 } > 10, "\(takeovers)")
    }

    @Test(arguments: seeds(100, of: "leases with mixed terms"))
    func `relays with different settings do not take over too early`(seed: UInt64) throws {
        let terms = try [(1, 3), (2, 30), (4, 12)].map {
            (try LeaseTerms(beat: .seconds($0.0), stale: .seconds($0.1)), LeaseHistory.Version.current)
        }
        #expect(run(seed, terms).violation == nil)
    }

    /// A worker of the version before frees the segments of owners that are not registered at once, so that no rows go
    /// missing here; what such a worker itself relies on is not looked at.
    @Test(arguments: seeds(100, of: "leases beside the version before"))
    func `beside the version before, this one stops before that may take over`(seed: UInt64) throws {
        let before = try LeaseTerms(beat: .seconds(5), stale: .seconds(30))
        let terms: [(LeaseTerms, LeaseHistory.Version)] = [
            (defaults, .current), (defaults, .current), (before, .before), (before, .before),
        ]
        #expect(run(seed, terms, isMissing: false).violation == nil)
    }

    @Test(arguments: seeds(50, of: "killed owners"))
    func `a killed owner is taken over within seven seconds`(seed: UInt64) throws {
        let terms = Array(repeating: (defaults, LeaseHistory.Version.current), count: 3)
        var history = LeaseHistory(seed, terms: terms, faults: .init(isCalm: true))
        history.run(until: 20_000 + Int(seed % 2000))
        let owner = try #require(history.ownerIndex)
        history.kill(owner, noticedAfter: 10)
        let killed = history.now
        history.run(until: killed + 30_000)
        #expect(history.violation == nil)
        #expect(history.takeovers == 2)
        #expect((0...7200).contains(history.lastClaim - killed))
    }

    @Test(arguments: seeds(20, of: "calm leases"))
    func `without a fault nothing is taken over`(seed: UInt64) {
        let terms = Array(repeating: (defaults, LeaseHistory.Version.current), count: 3)
        var history = LeaseHistory(seed, terms: terms, faults: .init(isCalm: true))
        history.run(until: 3_600_000)
        #expect(history.takeovers == 1)
        #expect(history.ownerIndex != nil)
    }
}
