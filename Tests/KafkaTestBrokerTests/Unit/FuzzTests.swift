import Foundation
import Testing

@testable import KafkaTestBroker

@Suite("Fuzzing")
struct FuzzTests {
    /// `GODWIT_FUZZ_FRAMES` has more of them tried.
    private static let count = ProcessInfo.processInfo.environment["GODWIT_FUZZ_FRAMES"].flatMap { Int($0) } ?? 5000

    @Test(arguments: 1...4 as ClosedRange<UInt64>)
    func `mutated frames neither crash nor hang the broker`(_ seed: UInt64) throws {
        let corpus = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appendingPathComponent("Fixtures/frames.bin")
        var fuzzer = FrameFuzzer(corpus: Array(try Data(contentsOf: corpus)), seed: seed)
        let report = fuzzer.run(Self.count)
        // Neither all taken nor all refused: the mutations reach both sides.
        #expect(report.answered > Self.count / 10 && report.refused > Self.count / 10)
        #expect(report.slowest < .seconds(5))
    }
}
