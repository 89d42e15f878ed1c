import FoundationEssentials
import Testing

@testable import Telemetry

@Suite struct MetricTableTests {
    @Test func `every name says what the metric is, as Prometheus has it`() {
        for metric in Metric.allCases {
            let (name, definition) = (metric.rawValue, metric.definition)
            #expect(name.hasPrefix("godwit_") || name.hasPrefix("process_"), "\(name)")
            #expect((definition.kind == .counter) == name.hasSuffix("_total"), "\(name)")
            if definition.unit == .seconds || definition.unit == .bytes {
                #expect(name.hasSuffix("_\(definition.unit.rawValue)"), "\(name)")
            }
            #expect(definition.help.hasSuffix("."), "\(name)")
            #expect(definition.labels.count == Set(definition.labels).count, "\(name)")
            if case .histogram(let bounds) = definition.kind {
                #expect(zip(bounds, bounds.dropFirst()).allSatisfy { $0 < $1 }, "\(name)")
            }
        }
    }

    /// That nothing else is recorded, and that no name is there twice, the compiler sees to: a metric is a case.
    @Test func `every metric of the table is recorded somewhere, as what it is and with as many labels as it has`()
        throws
    {
        let source = try Self.source()
        for metric in Metric.allCases {
            let uses = source.matches(
                of: try Regex("Metric\\.\(metric)\\.(\\w+)\\(([^()]*)\\)", as: (Substring, Substring, Substring).self))
            #expect(!uses.isEmpty, "\(metric) is recorded nowhere")
            let (kind, unit) = (metric.definition.kind, metric.definition.unit)
            for use in uses {
                let maker =
                    switch kind {
                    case .counter: "counter"
                    case .gauge: "gauge"
                    case .histogram: unit == .seconds ? "timer" : "histogram"
                    }
                #expect(use.1 == maker, "\(metric)")
                #expect(use.2.split(separator: ",").count == metric.definition.labels.count, "\(metric)")
            }
        }
        #expect(source.firstMatch(of: #/\b(Counter|Meter|Gauge|Recorder|Timer)\(label:/#) == nil)
    }

    /// Everything but this target's own files.
    private static func source() throws -> String {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appending(path: "Sources")
        let files = try FileManager.default.subpathsOfDirectory(atPath: folder.path)
            .filter { $0.hasSuffix(".swift") && !$0.hasPrefix("Telemetry/Names") }
        #expect(files.count > 100)
        return try files.map { String(decoding: try Data(contentsOf: folder.appending(path: $0)), as: UTF8.self) }
            .flatMap { $0.split(separator: "\n") }
            .filter { $0.contains("Metric.") || $0.contains("label:") }.joined(separator: "\n")
    }
}
