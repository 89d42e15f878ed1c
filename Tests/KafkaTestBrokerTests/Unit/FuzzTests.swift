import Foundation
import KafkaTestBroker
import Testing

@Suite("Fuzzing")
struct FuzzTests {
    /// More of it: `swift run -c release KafkaBrokerTool fuzz Tests/KafkaTestBrokerTests/Fixtures/frames.bin`.
    @Test("Mutated frames neither crash nor hang the broker", arguments: 1...4 as ClosedRange<UInt64>)
    func mutated(_ seed: UInt64) throws {
        let corpus = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appendingPathComponent("Fixtures/frames.bin")
        var fuzzer = FrameFuzzer(corpus: Array(try Data(contentsOf: corpus)), seed: seed)
        let report = fuzzer.run(5000)
        // Neither all taken nor all refused: the mutations reach both sides.
        #expect(report.answered > 500 && report.refused > 500)
    }
}
