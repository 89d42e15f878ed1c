import EventSourcing
import FoundationEssentials
import Postgres
import TestSupport
import Testing

@testable import Consumers

/// Looks at a log that ten writers write to, by readers that do as the head of the log does.
///
/// `GODWIT_LOOKS` says how many looks there are, and `GODWIT_SEED` repeats the writers' and the readers' choices.
@Suite struct HorizonQuerysTests {
    private static let writers = 10
    private static let readers = 4

    private static func number(_ name: String) -> UInt64? {
        ProcessInfo.processInfo.environment[name].flatMap { UInt64($0) }
    }

    @Test func `whatever writers do, no event appears at or below what was released`() async throws {
        let seed = seeds(1, of: "looks")[0]
        let looks = Int(Self.number("GODWIT_LOOKS") ?? 4_000)
        let start = ContinuousClock.now
        try await TestStore.with { test in
            let connection = try await test.connect()
            let setting = try await connection.query("SELECT current_setting('max_prepared_transactions')::int >= 8")
            let writers = LooksWriters(test, seed: seed, allowsPrepared: try setting.first?.decode(0) ?? false)
            let readers = try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await writers.run(Self.writers) }
                let readers = try await Self.look(looks, beside: writers, test, seed)
                try await group.waitForAll()
                return readers
            }
            let committed = writers.committed.sorted()
            let last = try await connection.query(
                "SELECT pg_sequence_last_value(pg_get_serial_sequence($1, 'global_position')::regclass)",
                test.tables.events.sql)
            await connection.close()
            for var reader in readers {
                // All transactions have ended: nothing holds the rest back.
                var tries = 0
                repeat {
                    try await reader.lookAtAll()
                    tries += 1
                } while !reader.isAtEnd && tries < 100_000
                Self.account(for: reader, committed, seed: seed)
                #expect(reader.released == (try last.first?.decode(0, as: Int64.self)), "seed \(seed)")
                await reader.close()
            }
            print(
                """
                \(readers.map(\.looks).reduce(0, +)) looks in \(ContinuousClock.now - start), \
                \(readers.map(\.jumps).reduce(0, +)) jumps; \(committed.count) events committed; \
                \(writers.count.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(separator: ", "))
                """)
            #expect(committed.count > 100)
        }
    }

    /// Looks so often by several readers, then lets the writers end.
    private static func look(
        _ looks: Int, beside writers: LooksWriters, _ test: TestStore, _ seed: UInt64
    ) async throws -> [LooksReader] {
        defer { writers.stop() }
        return try await withThrowingTaskGroup(of: LooksReader.self) { group in
            for number in 1...readers {
                group.addTask {
                    var reader = try await LooksReader.open(test, seed: seed ^ UInt64(number))
                    while reader.looks < looks / readers { try await reader.look() }
                    return reader
                }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
    }

    private static func account(for reader: LooksReader, _ committed: [Int64], seed: UInt64) {
        let lost = committed.filter { !reader.read.contains($0) }
        let first = lost.first.flatMap { lost in reader.releases.first { $0.position >= lost } }
        #expect(
            lost.count == 0,
            "seed \(seed): of \(committed.count), the first by look \(first?.look ?? 0): \(lost.prefix(9))")
        let foreign = reader.read.subtracting(committed).count
        #expect(foreign == 0, "seed \(seed): nobody committed them")
        #expect(reader.repeated.count == 0, "seed \(seed): \(reader.repeated.prefix(9)) came again")
        #expect(reader.refusals.count == 0, "seed \(seed): \(reader.refusals.prefix(3))")
    }
}
