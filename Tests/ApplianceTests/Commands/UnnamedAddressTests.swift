import FoundationEssentials
import Glibc
import KafkaTestBroker
import TestSupport
import Testing

@testable import Appliance

/// A broker whose certificate is right for the address that is configured, and not for the one that it advertises.
@Suite struct UnnamedAddressTests {
    @Test(.timeLimit(.minutes(2)))
    func `it is reported once a minute with its reason, and takes hardly any processor time`() async throws {
        let certificates = try await TestCertificates()
        var configuration = BrokerConfiguration()
        configuration.host = "0.0.0.0"
        configuration.allowsRemoteConnections = true
        configuration.advertisedHost = "127.0.0.2"
        configuration.tls = .init(certificateFile: certificates.server, keyFile: certificates.serverKey)
        let broker = try await KafkaTestBroker.start(configuration)
        let port = try #require(broker.ports.first)
        try await TestStore.with { test in
            let kafka = TestKafka(bootstrapServers: "127.0.0.1:\(port)")
            let place = RelayFixture(test: test, kafka: kafka, topic: "identity")
            _ = try await place.append(20)
            let relay = try place.run([
                "GODWIT_KAFKA_TLS_CA_FILE": certificates.authority, "GODWIT_KAFKA_TOPICS_CREATE": "true",
            ])
            #expect(await relay.waitForError("it is for another host name"))
            try await Task.sleep(for: .seconds(3))
            let (before, lines) = (processorTime(relay.processID), count(relay))
            try await Task.sleep(for: .seconds(10))
            let (time, more) = (processorTime(relay.processID) - before, count(relay) - lines)
            #expect(time < 1.5, "\(time) s of processor time in 10 s")
            #expect(more <= 4, "\(more) lines in 10 s: \(relay.standardError.suffix(3000))")
            relay.send(SIGKILL)
            _ = await relay.result()
        }
        await broker.stop()
    }

    private func count(_ relay: RunningCommand) -> Int { relay.standardError.split(separator: "\n").count }

    /// In seconds, of a process with its threads.
    private func processorTime(_ process: Int32) -> Double {
        let text = (try? TestFolder.read("/proc/\(process)/stat")) ?? ""
        let fields = text.split(separator: ")").last?.split(separator: " ") ?? []
        guard fields.count > 13, let user = Double(fields[11]), let system = Double(fields[12]) else { return 0 }
        return (user + system) / Double(sysconf(Int32(_SC_CLK_TCK)))
    }
}
