import Foundation
import TestSupport
import Testing

@testable import Kafka

private let kcat = ["/usr/bin/kcat", "/usr/local/bin/kcat"].first { FileManager.default.isExecutableFile(atPath: $0) }

@Suite(.enabled(if: kcat != nil, "kcat is not installed")) struct KcatTests {
    @Test func `kcat reads what we write`() async throws {
        let kafka = try await TestKafka()
        let topic = try await kafka.makeTopic(partitions: 1)
        let producer = try kafka.producer()
        let handle = try await producer.prepare([topic])[0]
        let batch = await producer.produce(
            Single { record in
                record.topic(handle)
                record.key(text: "order-7")
                record.value(copying: Array(#"{"total":12}"#.utf8))
                record.timestamp(milliseconds: 1_700_000_000_123)
                record.header(HeaderName("event-type"), "OrderPlaced")
                record.header(HeaderName("position"), decimal: 42)
            })
        #expect(try await deadline { await batch.settled() }.isDelivered)
        await producer.close()

        let process = Process()
        let output = Pipe()
        process.executableURL = URL(fileURLWithPath: try #require(kcat))
        process.arguments = [
            "-b", kafka.bootstrapServers, "-C", "-q", "-e", "-t", topic, "-f", "%k|%s|%h|%T|%p|%o\n",
        ]
        process.standardOutput = output
        try process.run()
        // The pipe holds far more than this one line, so it is read after the end.
        process.waitUntilExit()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        #expect(
            text == "order-7|{\"total\":12}|event-type=OrderPlaced,position=42|1700000000123|0|0\n")
    }
}
