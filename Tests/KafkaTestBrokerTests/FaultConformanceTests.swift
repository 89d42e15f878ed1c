import KafkaTestBroker
import TestSupport
import Testing

@Suite("Faults", .enabled(if: ConformanceEnvironment.foreignBrokers == nil))
struct FaultConformanceTests {
    @Test func `an idempotent producer gets through every fault that is not the end`() async throws {
        var configuration = BrokerConfiguration()
        configuration.nodes = 2
        configuration.controlPort = 0
        let broker = try await KafkaTestBroker.start(configuration)
        let control = try #require(broker.controlPort)
        let result = try await ConformanceEnvironment.run(
            "faults.py", [broker.bootstrapServers, "127.0.0.1:\(control)"])
        #expect(result.exitCode == 0, "\(result.standardOutput.suffix(600))\n\(result.standardError.suffix(1500))")
        await broker.stop()
    }
}
