import Consumers
import EventSourcing
import FoundationEssentials
import Glibc
import Postgres
import Synchronization
import TestSupport
import Testing

/// Three processes replaced one after the other while a thousand events per second come.
@Suite(.serialized) struct RollingRestartTests {
    enum Noticing: String, CaseIterable {
        /// By heartbeats, one a second.
        case polling
        /// By notification: the next heartbeat is a minute away.
        case notifying
    }

    /// Appends twenty events each fiftieth of a second until told to stop; gives the ids.
    private static func write(_ place: RelayFixture, _ isDone: borrowing Atomic<Bool>) async throws -> Set<String> {
        let connection = try await place.test.connect()
        var ids: Set<String> = []
        var next = ContinuousClock.now
        var round = 0
        while !isDone.load(ordering: .relaxed) {
            let events = (0..<20).map { _ in Event.sample("user-\(round % 97)") }
            _ = try await connection.withTransaction {
                try await place.test.store.append(events, expecting: .any, in: $0)
            }
            ids.formUnion(events.map { $0.eventID.uuidString.lowercased() })
            round += 1
            next += .milliseconds(20)
            // The pace of the load; a writer that fell behind does not wait.
            try await Task.sleep(until: next)
        }
        await connection.close()
        return ids
    }

    /// Looks at the age of the oldest waiting event again and again until told to stop; gives the highest.
    private static func watch(_ place: RelayFixture, _ isDone: borrowing Atomic<Bool>) async throws -> Duration {
        let connection = try await place.test.connect()
        let reader = StatusReader(place.test.tables, scopes: [:], backlogLimit: 2_000)
        var highest: Duration = .zero
        while !isDone.load(ordering: .relaxed) {
            let lag = try await reader.read(on: connection).consumers.first?.lag
            highest = max(highest, lag?.oldest ?? .zero)
            // How often is looked: what is looked for lasts for seconds.
            try await Task.sleep(for: .milliseconds(50))
        }
        await connection.close()
        return highest
    }

    private func owners(_ place: RelayFixture, _ connection: Connection) async throws -> [String: Int] {
        let status = try await StatusReader(place.test.tables, scopes: [:], backlogLimit: 1).read(on: connection)
        return status.consumers.flatMap(\.segments).reduce(into: [:]) { $0[$1.owner ?? "", default: 0] += 1 }
    }

    private func variables(_ noticing: Noticing, _ place: RelayFixture) async throws -> [String: String] {
        var variables = ["GODWIT_WORKER_TOTAL_SEGMENTS": "6", "GODWIT_WORKER_BATCH_SIZE": "500"]
        switch noticing {
        case .polling:
            variables["GODWIT_WORKER_HEARTBEAT_INTERVAL"] = "1s"
            variables["GODWIT_WORKER_REBALANCE_INTERVAL"] = "2s"
        case .notifying:
            let channel = TestDatabase.uniqueName("channel")
            let connection = try await place.test.connect()
            try await Schema(place.test.tables).installNotifyTrigger(channel: channel, on: connection)
            await connection.close()
            variables["GODWIT_NOTIFY_MODE"] = "adaptive"
            variables["GODWIT_NOTIFY_CHANNEL"] = channel
            variables["GODWIT_WORKER_HEARTBEAT_INTERVAL"] = "60s"
            variables["GODWIT_WORKER_STALE_THRESHOLD"] = "600s"
            variables["GODWIT_WORKER_REBALANCE_INTERVAL"] = "60s"
        }
        return variables
    }

    @Test(.timeLimit(.minutes(5)), arguments: Noticing.allCases)
    func `nothing is lost, nothing comes twice, and nothing waits for long`(noticing: Noticing) async throws {
        try await RelayFixture.with { place in
            let variables = try await variables(noticing, place)
            let connection = try await place.test.connect()
            var relays = try (0..<3).map { _ in try place.run(variables) }
            func share() async throws {
                try await eventually("the three never shared the segments: \(noticing)") {
                    try await owners(place, connection).values.sorted() == [2, 2, 2]
                }
            }
            try await share()
            let isDone = Signal()
            async let written = Self.write(place, isDone.flag)
            async let highest = Self.watch(place, isDone.flag)
            _ = try await place.kafka.read([place.topic]) { $0.count > 2_000 }
            for _ in 0..<3 {
                let first = relays.removeFirst()
                first.send(SIGTERM)
                let result = await first.result()
                #expect(result.exitCode == 0, "\(result.standardError)")
                relays.append(try place.run(variables))
                try await share()
            }
            isDone.flag.store(true, ordering: .relaxed)
            let (ids, lag) = (try await written, try await highest)
            _ = try await place.receive(ids)
            for relay in relays { relay.send(SIGTERM) }
            for relay in relays {
                let result = await relay.result()
                #expect(result.exitCode == 0, "\(result.standardError)")
            }
            let records = try await place.kafka.readAll([place.topic])
            #expect(records.eventIDs == ids)
            #expect(records.count == ids.count, "\(records.count - ids.count) came twice")
            #expect(records.isInOrder)
            // A loaded machine is slow, but a minute's heartbeat is slower.
            #expect(lag < .seconds(20), "\(lag)")
            print("rolling restart, \(noticing): \(ids.count) events, the oldest waited \(lag)")
            await connection.close()
        }
    }

    /// Shares one atomic word between tasks.
    private final class Signal: Sendable {
        let flag = Atomic<Bool>(false)
    }
}
