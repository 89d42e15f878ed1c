import ArgumentParser
import Foundation
import KafkaTestBroker

/// Feeds mutated frames to the broker and says how it fared.
struct Fuzz: ParsableCommand {
    @Option(help: "Mutated frames to try.")
    var count = 10_000_000

    @Option(help: "Seed of the random numbers.")
    var seed: UInt64 = 1

    @Argument(help: "File with recorded frames.")
    var frames: String

    func run() throws {
        let corpus = Array(try Data(contentsOf: URL(fileURLWithPath: frames)))
        var fuzzer = FrameFuzzer(corpus: corpus, seed: seed)
        let clock = ContinuousClock()
        let start = clock.now
        for round in 1...max(1, count / 1_000_000) {
            let report = fuzzer.run(min(count, 1_000_000))
            print(
                "\(round) M: answered \(report.answered), refused \(report.refused), slowest \(report.slowest), "
                    + "resident \(Self.residentKilobytes()) kB, \(clock.now - start)")
        }
    }

    private static func residentKilobytes() -> Int {
        let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
        let line = status.split(separator: "\n").first { $0.hasPrefix("VmRSS:") } ?? ""
        return Int(line.split(separator: " ").dropLast().last ?? "") ?? 0
    }
}
