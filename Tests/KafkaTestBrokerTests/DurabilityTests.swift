import Foundation
import KafkaTestBroker
import TestSupport
import Testing

@Suite("Durability", .enabled(if: ConformanceEnvironment.foreignBrokers == nil))
struct DurabilityTests {
    @Test func `what was acknowledged survives kill -9, with producers, transactions and offsets`() async throws {
        let directory = try TemporaryDirectory()
        let result = try await ConformanceEnvironment.run("restart.py", [ConformanceEnvironment.tool, directory.path])
        #expect(result.exitCode == 0, "\(result.standardOutput.suffix(600))\n\(result.standardError.suffix(1500))")
    }

    @Test func `a second broker on the same directory is refused`() async throws {
        let directory = try TemporaryDirectory()
        var configuration = BrokerConfiguration()
        configuration.dataDirectory = directory.path
        let first = try await KafkaTestBroker.start(configuration)
        await #expect(throws: BrokerError.self) { try await KafkaTestBroker.start(configuration) }
        await first.stop()
        let again = try await KafkaTestBroker.start(configuration)
        await again.stop()
    }
}

/// A directory that goes with the test.
final class TemporaryDirectory {
    let path: String

    init() throws {
        path = FileManager.default.temporaryDirectory.appendingPathComponent("godwit-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }
}
