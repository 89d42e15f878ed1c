import Glibc
import Kafka
import TestSupport
import Testing

@Suite struct FrozenBrokerTests {
    /// For longer than a request waits for its answer, so that requests time out and connections are given up.
    @Test(.timeLimit(.minutes(4)))
    func `a broker that answers nothing for a minute is waited for, and caught up with`() async throws {
        try await BrokerProcess.with { broker in
            let kafka = TestKafka(bootstrapServers: broker.bootstrapServers)
            try await RelayFixture.with(kafka) { place in
                let relay = try place.run()
                var ids = try await place.append(50)
                _ = try await place.receive(ids)
                async let appended = place.appendBacklog(200, aggregates: 10)
                _ = try await kafka.read([place.topic]) { $0.count > 150 }
                broker.freeze()
                ids.formUnion(try await appended)
                try await Task.sleep(for: .seconds(65))
                broker.thaw()
                _ = try await kafka.read([place.topic], within: .seconds(30)) { $0.eventIDs.isSuperset(of: ids) }
                relay.send(SIGTERM)
                let result = await relay.result()
                #expect(result.exitCode == 0, "\(result.standardError)")
                let records = try await kafka.readAll([place.topic])
                #expect(records.eventIDs == ids)
                #expect(records.isInOrder)
                // The same producer goes on, and the broker knows what it took of it.
                #expect(records.count == ids.count)
            }
        }
    }
}
